"""The signal peptide tagger: backbone, PEFT method, emission head and CRF in one."""
