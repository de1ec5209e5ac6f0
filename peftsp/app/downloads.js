// Records as files that other programs read.

const BREAKS = /[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/g; // what some reader takes for the end of a column or line
const SEQUENCE_ID = /[^A-Za-z0-9.:^*$@!+_?|-]/gu;
const encoded = (name) => name.replace(SEQUENCE_ID, (letter) =>
  [...new TextEncoder().encode(letter)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""));

function asGff3(shown) {
  const { typesInPeptide, typesInChain } = vocabulary.gff3;
  const lines = ["##gff-version 3"];
  for (const record of shown) {
    if (record.site === null) continue;
    const name = encoded(record.name), number = record.index + 1;
    const peptide = `signal_peptide_${number}`, chain = `mature_${number}`;
    const add = (kind, start, end, score, attributes) =>
      lines.push([name, "peftsp", kind, start, end, score, ".", ".", attributes].join("\t"));
    lines.push(`##sequence-region ${name} 1 ${record.length}`);
    const note = record.note ? `;Note=${record.note.replaceAll("; ", ",")}` : "";
    add("signal_peptide", 1, record.site, record.probability.toFixed(6),
      `ID=${peptide};sp_type=${record.type};cleavage_site_probability=${record.certainty.toFixed(4)}${note}`);
    const found = [...record.regions, ...record.motifs].sort((a, b) => a[1] - b[1]);
    for (const [region, start, end] of found) {
      const isCutOff = end <= record.site;
      add((isCutOff ? typesInPeptide : typesInChain)[region], start, end, ".",
        `Parent=${isCutOff ? peptide : chain};Note=${region.replaceAll("_", " ")}`);
    }
    if (record.site < record.length) add("mature_protein_region", record.site + 1, record.length, ".", `ID=${chain}`);
  }
  return lines.join("\n") + "\n";
}

function asSignalP6(shown, kingdom) {
  const isEukarya = kingdom === vocabulary.eukarya;
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  const time = [now.getFullYear(), ...[now.getMonth() + 1, now.getDate(), now.getHours(), now.getMinutes(), now.getSeconds()].map(two)].join("");
  const columns = isEukarya ? vocabulary.signalp6.columns.slice(0, 2) : vocabulary.signalp6.columns;
  const lines = [
    `# SignalP-6.0\tOrganism: ${isEukarya ? "Eukarya" : "Other"}\tTimestamp: ${time}`,
    ["# ID", "Prediction", ...columns, "CS Position"].join("\t"),
  ];
  for (const record of shown) {
    const [none, ...types] = record.probabilities;
    const shares = isEukarya ? [none, types.reduce((sum, share) => sum + share, 0)] : record.probabilities;
    const cut = record.site === null ? "" : `CS pos: ${record.site}-${record.site + 1}. Pr: ${record.certainty.toFixed(4)}`;
    const type = record.type === vocabulary.types[0] ? "OTHER" : record.type;
    lines.push([record.header.replace(BREAKS, " "), type, ...shares.map((share) => share.toFixed(6)), cut].join("\t"));
  }
  return lines.join("\n") + "\n";
}
