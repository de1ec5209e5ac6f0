// Predicts in a thread of its own.

let ort, session, vocabulary;
const OUTPUTS = ["probabilities", "sp_types", "paths", "cleavage_sites", "site_probabilities", "ends_inside", "region_probabilities"];

async function begin({ library, runtime, model, weights, vocabulary: words }) {
  vocabulary = words;
  // A page that is opened as a file may begin no worker that is a module itself.
  ort = await import(URL.createObjectURL(new Blob([library], { type: "text/javascript" })));
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = runtime;
  session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"], externalData: weights });
}

function tokensOf(proteins) {
  const width = vocabulary.maxResidues + 2;
  const tokens = new BigInt64Array(proteins.length * width).fill(BigInt(vocabulary.tokens.pad));
  proteins.forEach(({ residues }, row) => {
    const letters = residues.slice(0, vocabulary.maxResidues);
    const place = row * width;
    tokens[place] = BigInt(vocabulary.tokens.start);
    for (let index = 0; index < letters.length; index++) {
      tokens[place + 1 + index] = BigInt(vocabulary.tokens.letters[letters[index]]);
    }
    tokens[place + 1 + letters.length] = BigInt(vocabulary.tokens.end);
  });
  return new ort.Tensor("int64", tokens, [proteins.length, width]);
}

async function predict({ proteins, kingdom }) {
  const id = BigInt(vocabulary.kingdoms.indexOf(kingdom) - 1);
  const feed = {
    tokens: tokensOf(proteins),
    organism: new ort.Tensor("int64", new BigInt64Array(proteins.length).fill(id), [proteins.length]),
  };
  const found = await session.run(feed, OUTPUTS);
  return proteins.map((protein, row) => packed(protein, row, found, kingdom === vocabulary.eukarya));
}

// One protein in the order in which the table unpacks it.
function packed({ header, residues }, row, found, sumsTypes) {
  const size = Math.min(residues.length, vocabulary.maxResidues);
  const values = (name, width) => Array.from(found[name].data.subarray(row * width, (row + 1) * width));
  const path = values("paths", vocabulary.maxResidues).slice(0, size).map(Number);
  const regions = values("region_probabilities", vocabulary.maxResidues * vocabulary.regions.length)
    .slice(0, size * vocabulary.regions.length);
  const answer = judged({
    type: Number(found.sp_types.data[row]),
    probabilities: values("probabilities", vocabulary.types.length),
    site: Number(found.cleavage_sites.data[row]),
    certainty: found.site_probabilities.data[row],
    regions: stretches(path.map((state) => vocabulary.regionOfState[state])),
    motifs: sumsTypes ? [] : stretches(path.map((state) => vocabulary.motifOfState[state])),
  }, residues, found.ends_inside.data[row], sumsTypes);
  const rounded = (value) => Math.round(value * 1e6) / 1e6;
  return [
    header, answer.type, answer.probabilities.map(rounded), answer.site, answer.certainty, answer.regions,
    answer.motifs, residues.slice(0, size), btoa(String.fromCharCode(...regions.map((value) => Math.round(255 * value)))),
    answer.notes.join("; ") || null, residues.length,
  ];
}

// Runs of one region: its index, first and last residue, from 1.
function stretches(names) {
  const found = [];
  names.forEach((name, index) => {
    if (name === null) return;
    const last = found.at(-1);
    if (last && last[0] === name && last[2] === index) last[2] = index + 1;
    else found.push([name, index + 1, index + 1]);
  });
  return found;
}

// As peftsp.inference.compute.evidence: what the sequence lacks, and no more claimed than it permits.
function judged(answer, residues, endsInside, sumsTypes) {
  const { enough, nTerminus, enoughAtNTerminus, unknown, few, inside, unsure, sureSite } = vocabulary.evidence;
  const known = (text) => [...text].filter((letter) => !unknown.includes(letter)).length;
  const share = Math.min(
    1, known(residues.slice(0, vocabulary.maxResidues)) / enough, known(residues.slice(0, nTerminus)) / enoughAtNTerminus,
  );
  const notes = [];
  const hasCut = answer.site > 0;
  let { type, probabilities, certainty } = answer;
  if (share < 1) {
    notes.push(few);
    const types = sumsTypes ? 1 : probabilities.length - 1;
    probabilities = probabilities.map((value, index) => {
      const even = index === 0 ? 0.5 : index <= types ? 0.5 / types : 0;
      return share * value + (1 - share) * even;
    });
    type = probabilities.indexOf(Math.max(...probabilities));
    certainty *= share;
  }
  const endsWithin = endsInside > 0.5 && type !== 0;
  if (endsWithin) notes.push(inside);
  if (endsWithin || type === 0 || !hasCut) {
    return { type, probabilities, site: null, certainty: null, notes,
      regions: endsWithin || type === 0 ? [] : answer.regions, motifs: endsWithin || type === 0 ? [] : answer.motifs };
  }
  if (certainty < sureSite) notes.push(unsure);
  return { ...answer, type, probabilities, certainty, notes };
}

onmessage = async ({ data }) => {
  try {
    if (data.model) {
      await begin(data);
      postMessage({ isReady: true });
    } else {
      postMessage({ start: data.start, records: await predict(data) });
    }
  } catch (error) {
    postMessage({ error: String(error.message ?? error) });
  }
};
