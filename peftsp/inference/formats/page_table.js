// The table: filters, sorts, shows a page of it, and hands it out as CSV.

const ROWS_OF_A_PAGE = 100;
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const vocabulary = read("vocabulary");
let records = [];
const state = { shown: records, unticked: 0, page: 0, key: null, isDescending: false, open: new Set() };
const byId = (id) => document.getElementById(id);
const body = document.querySelector("#table tbody");
const headings = [...document.querySelectorAll("#table th button")];

function unpack([header, type, probabilities, site, certainty, regions, motifs, residues, encoded, note, length], index) {
  const [name] = header.trim().split(/\s+/, 1);
  const description = header.trim().slice(name.length).trim();
  const named = (stretches) => stretches.map(([region, start, end]) => [vocabulary.regions[region], start, end]);
  return {
    index, header, name, description, site, certainty, probabilities, residues, note, length,
    type: vocabulary.types[type],
    probability: probabilities[type],
    regions: named(regions),
    motifs: named(motifs),
    probabilitiesOfRegions: encoded,
    searched: header.toLowerCase(),
  };
}

function showRecords(packed) {
  records = packed.map(unpack);
  state.open.clear();
  refresh();
}

function cell(row, text, kind) {
  const made = row.insertCell();
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}

function sequence(record) {
  const nameOf = Array(record.residues.length).fill("");
  for (const [name, start, end] of [...record.regions, ...record.motifs]) nameOf.fill(name, start - 1, end);
  const isStart = (index) => index === 0 || index === record.site || nameOf[index] !== nameOf[index - 1];
  const whole = document.createElement("span");
  for (let start = 0; start < record.residues.length;) {
    let end = start + 1;
    while (end < record.residues.length && !isStart(end)) end++;
    const part = document.createElement("span");
    if (nameOf[start]) {
      part.className = `tile region-${nameOf[start]}`;
      part.title = vocabulary.regionTitles[nameOf[start]];
    }
    if (start === record.site) part.classList.add("mature-start");
    part.textContent = record.residues.slice(start, end);
    whole.append(part);
    start = end;
  }
  return whole;
}

function addRow(record) {
  const row = body.insertRow();
  const name = cell(row, "", "name");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = record.name;
  button.title = record.name;
  button.setAttribute("aria-expanded", "false");
  name.append(button);
  if (record.description) {
    const description = document.createElement("small");
    description.textContent = record.description;
    description.title = record.description;
    name.append(description);
  }
  cell(row, record.type).title = vocabulary.typeTitles[record.type];
  cell(row, record.probability.toFixed(3), "number");
  cell(row, record.site ?? "", "number");
  const certainty = record.certainty === null ? "" : record.certainty.toFixed(3);
  cell(row, record.note ? `? ${certainty}` : certainty, "number").title = record.note ?? "";
  cell(row, "", "sequence").append(sequence(record));
  button.addEventListener("click", () => toggle(record, row, button));
  if (state.open.has(record.index)) open(record, row, button);
}

function open(record, row, button) {
  const below = document.createElement("tr");
  const wide = below.insertCell();
  wide.colSpan = row.cells.length;
  wide.append(buildPlot(record, vocabulary));
  row.after(below);
  button.setAttribute("aria-expanded", "true");
  state.open.add(record.index);
}

function toggle(record, row, button) {
  if (state.open.delete(record.index)) {
    row.nextElementSibling.remove();
    button.setAttribute("aria-expanded", "false");
  } else {
    open(record, row, button);
  }
}

const inNaturalOrder = new Intl.Collator("en", { numeric: true }).compare;

function compare(a, b) {
  const [x, y] = [a[state.key], b[state.key]];
  // Proteins without a value come last whichever way the others are sorted.
  if (x === null || y === null) return (x === null) - (y === null) || a.index - b.index;
  const order = typeof x === "string" ? inNaturalOrder(x, y) : x - y;
  return (state.isDescending ? -order : order) || a.index - b.index;
}

function refresh() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const types = new Set(Array.from(document.querySelectorAll(".counts input:checked"), (box) => box.value));
  const found = records.filter((record) => words.every((word) => record.searched.includes(word)));
  state.shown = found.filter((record) => types.has(record.type));
  state.unticked = found.length - state.shown.length;
  if (state.key) state.shown.sort(compare);
  state.page = 0;
  render();
}

function render() {
  const total = state.shown.length, pages = Math.max(1, Math.ceil(total / ROWS_OF_A_PAGE));
  const start = state.page * ROWS_OF_A_PAGE, part = state.shown.slice(start, start + ROWS_OF_A_PAGE);
  body.replaceChildren();
  part.forEach(addRow);
  const count = (number) => number.toLocaleString("en");
  const listed = total
    ? `${count(start + 1)} to ${count(start + part.length)} of ${count(total)} listed`
    : "no protein is listed: another search may show some";
  const unticked = state.unticked ? `; ${count(state.unticked)} more are of types without a tick above` : "";
  byId("status").textContent = listed + unticked;
  byId("page").textContent = `page ${count(state.page + 1)} of ${count(pages)}`;
  byId("first").disabled = byId("previous").disabled = state.page === 0;
  byId("next").disabled = byId("last").disabled = state.page + 1 === pages;
  byId("download").disabled = total === 0;
  byId("download").textContent = `Download ${count(total)} rows as CSV`;
}

function sortBy(button) {
  const key = button.dataset.key;
  state.isDescending = state.key === key ? !state.isDescending : key === "probability" || key === "certainty";
  state.key = key;
  for (const other of headings) other.parentElement.setAttribute("aria-sort", "none");
  button.parentElement.setAttribute("aria-sort", state.isDescending ? "descending" : "ascending");
  refresh();
}

function asCsv(shown) {
  const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const share = (number) => (number === null ? "" : number.toFixed(6));
  const lines = shown.map((record) => {
    const ends = Object.fromEntries(record.regions.map(([name, , end]) => [name, end]));
    return [
      quote(record.name), record.type, ...record.probabilities.map(share),
      record.site ?? "", share(record.certainty), ...["n", "h", "c"].map((name) => ends[name] ?? ""),
      quote(record.description), record.note ?? "",
    ].join(",");
  });
  return [vocabulary.columns.join(","), ...lines, ""].join("\n");
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function goTo(page) {
  state.page = page;
  render();
  byId("status").scrollIntoView({ block: "nearest" });
}

for (const button of headings) button.addEventListener("click", () => sortBy(button));
for (const box of document.querySelectorAll(".counts input")) box.addEventListener("change", refresh);
byId("search").addEventListener("input", refresh);
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("download").addEventListener("click", () => save("predictions.csv", asCsv(state.shown)));
byId("first").addEventListener("click", () => goTo(0));
byId("previous").addEventListener("click", () => goTo(state.page - 1));
byId("next").addEventListener("click", () => goTo(state.page + 1));
byId("last").addEventListener("click", () => goTo(Math.ceil(state.shown.length / ROWS_OF_A_PAGE) - 1));
showRecords(read("records"));
