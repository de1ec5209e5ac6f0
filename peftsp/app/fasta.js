// Proteins from FASTA text, and what is wrong with those that are none.

const MOST_LOOKED_AT = vocabulary.maxResidues;
const BLANKS = /[\s\x1a]+/gu;

function parseFasta(text) {
  const proteins = [], wrong = [], seen = new Set();
  let draft = null;
  const finish = () => {
    if (!draft) return;
    let residues = draft.lines.join("").replace(/\*+$/, "");
    // Behind what the model looks at, a stop sign ends the protein.
    const stop = residues.indexOf("*", MOST_LOOKED_AT);
    if (stop >= 0) residues = residues.slice(0, stop);
    const foreign = residues.match(/[^A-Za-z]/u);
    residues = residues.toUpperCase();
    const name = draft.header.split(/\s+/, 1)[0];
    const refuse = (reason) => wrong.push(`line ${draft.line} (${name.slice(0, 60)}): ${reason}`);
    if (!name) refuse("expected a name after '>', found none");
    else if (!residues) refuse("expected residues after the header, found none");
    else if (foreign) refuse(`expected residues A to Z, found '${foreign[0]}'`);
    else if (seen.has(name)) refuse("expected each name once, found it again");
    else {
      seen.add(name);
      proteins.push({ header: draft.header, residues });
    }
  };
  text.split(/\r\n|\n|\r/).forEach((raw, index) => {
    const line = raw.trim();
    if (line.startsWith(">")) {
      finish();
      draft = { line: index + 1, header: line.slice(1).trim(), lines: [] };
    } else if (line && draft) {
      draft.lines.push(line.replace(BLANKS, ""));
    } else if (line) {
      // A sequence alone, as people paste it.
      draft = { line: index + 1, header: "pasted", lines: [line.replace(BLANKS, "")] };
    }
  });
  finish();
  return { proteins, wrong };
}

// A file's text; a sequence without a header gets the file's name, lest it go on with another file's.
function withName(name, text) {
  return !text.trim() || text.trimStart().startsWith(">") ? text : `>${name.replace(/\s+/g, "_")}\n${text}`;
}

// Whether the letters are those of DNA or RNA: by the three rules of peftsp.data.nucleotides.
function areNucleotides(proteins) {
  const { lookedAt, letters, bases, minShare, minLetters, minBaseShare } = vocabulary.nucleotides;
  const sequences = proteins.slice(0, lookedAt).map(({ residues }) => residues);
  const whole = sequences.join("");
  const share = (text, some) => [...text].filter((letter) => some.includes(letter)).length / text.length;
  return whole.length >= minLetters &&
    sequences.every((text) => share(text, letters) >= minShare) &&
    bases.every((base) => share(whole, base) >= minBaseShare);
}
