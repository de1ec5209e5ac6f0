// Draws the probability of each region along the residues of one protein.

const SVG = "http://www.w3.org/2000/svg";
const SLOT = 12, LEFT = 34, TOP = 24, HEIGHT = 120, BOTTOM = TOP + HEIGHT;
const LETTERS = BOTTOM + 24, BRACKET = BOTTOM + 36, LABEL = BOTTOM + 50, TICKS = BOTTOM + 68;
const FAINTEST = 0.01;
const FEWEST = 44; // residues' room, so that the label at the cut fits on one of its sides
const TOPOLOGY = new Set(["inside", "membrane", "outside"]);

function shape(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// Rows of probabilities from 0 to 1: one a residue, one value a region.
function decodeProbabilities(encoded, width) {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const rows = [];
  for (let start = 0; start < bytes.length; start += width) {
    rows.push(Array.from(bytes.subarray(start, start + width), (byte) => byte / 255));
  }
  return rows;
}

const middle = (position) => LEFT + (position - 0.5) * SLOT;
const height = (probability) => BOTTOM - probability * HEIGHT;

function drawAxes(svg, size) {
  const right = LEFT + size * SLOT;
  for (const value of [0, 0.5, 1]) {
    const y = height(value);
    svg.append(shape("line", { class: value ? "grid" : "axis", x1: LEFT, x2: right, y1: y, y2: y }));
    svg.append(shape("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, value));
  }
  for (let position = 1; position <= size; position++) {
    if (position === 1 || position % 10 === 0) {
      svg.append(shape("text", { x: middle(position), y: TICKS, "text-anchor": "middle" }, position));
    }
  }
}

function drawLine(svg, name, values) {
  const kind = `region-${name}${TOPOLOGY.has(name) ? " topology" : ""}`;
  if (values.length === 1) {
    svg.append(shape("circle", { class: `dot ${kind}`, cx: middle(1), cy: height(values[0]), r: 3 }));
  }
  // What is next to nothing would hide the axis and the other lines there.
  const isShown = (index) => values.slice(Math.max(0, index - 1), index + 2).some((v) => v >= FAINTEST);
  let run = [];
  for (let index = 0; index <= values.length; index++) {
    if (index < values.length && isShown(index)) {
      run.push(`${middle(index + 1)},${height(values[index]).toFixed(1)}`);
    } else {
      if (run.length > 1) svg.append(shape("polyline", { class: `line ${kind}`, points: run.join(" ") }));
      run = [];
    }
  }
}

function drawSequence(svg, record) {
  const y = BOTTOM + 10;
  for (const [name, start, end] of [...record.regions, ...record.motifs]) {
    const box = { x: LEFT + (start - 1) * SLOT, y, width: (end - start + 1) * SLOT, height: 19 };
    svg.append(shape("rect", { class: `tile region-${name}`, ...box }));
  }
  for (const [name, start, end] of record.regions) {
    const ends = { x1: LEFT + (start - 1) * SLOT + 2, x2: LEFT + end * SLOT - 2 };
    svg.append(shape("line", { class: `bracket region-${name}`, ...ends, y1: BRACKET, y2: BRACKET }));
    const x = (middle(start) + middle(end)) / 2;
    svg.append(shape("text", { x, y: LABEL, "text-anchor": "middle" }, name));
  }
  [...record.residues].forEach((letter, index) => {
    const place = { class: "letter", x: middle(index + 1), y: LETTERS, "text-anchor": "middle" };
    svg.append(shape("text", place, letter));
  });
}

function drawCut(svg, record, size) {
  const x = LEFT + record.site * SLOT;
  svg.append(shape("line", { class: "cut", x1: x, x2: x, y1: 4, y2: BOTTOM + 31 }));
  const residue = (position) => `${record.residues[position - 1]}${position}`;
  const behind = record.site < record.residues.length;
  const where = behind ? `between ${residue(record.site)} and ${residue(record.site + 1)}` : `after ${residue(record.site)}`;
  const isLate = record.site > size / 2;
  const place = { x: x + (isLate ? -6 : 6), y: 15, "text-anchor": isLate ? "end" : "start" };
  svg.append(shape("text", place, `cut ${where}, probability ${record.certainty.toFixed(2)}`));
}

// A legend that shows the probabilities at the residue under the pointer.
function buildLegend(names, titles) {
  const table = document.createElement("table");
  const head = table.createCaption();
  const cells = names.map((name) => {
    const row = table.insertRow();
    const swatch = shape("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" });
    swatch.append(shape("line", { class: `line region-${name}`, x1: 1, x2: 27, y1: 5, y2: 5 }));
    row.insertCell().append(swatch);
    row.insertCell().textContent = titles[name];
    const cell = row.insertCell();
    cell.className = "number";
    return cell;
  });
  return { table, head, cells };
}

function buildPlot(record, vocabulary) {
  const rows = decodeProbabilities(record.probabilitiesOfRegions, vocabulary.regions.length);
  const names = vocabulary.regions.filter((_, index) => rows.some((row) => row[index] >= FAINTEST));
  const size = Math.max(record.residues.length, FEWEST);
  const width = LEFT + size * SLOT + 10;
  const label = `Probability of each region of ${record.name} along its residues`;
  const svg = shape("svg", {
    viewBox: `0 0 ${width} ${TICKS + 6}`, width, height: TICKS + 6, role: "img", tabindex: 0, "aria-label": label,
  });
  drawAxes(svg, size);
  const column = (name) => vocabulary.regions.indexOf(name);
  for (const name of [...names].reverse()) drawLine(svg, name, rows.map((row) => row[column(name)]));
  drawSequence(svg, record);
  if (record.site !== null) drawCut(svg, record, size);
  const pointer = shape("line", { class: "pointer", y1: TOP, y2: BOTTOM + 31, visibility: "hidden" });
  svg.append(pointer);
  const legend = buildLegend(names, vocabulary.regionTitles);
  let current = 0;
  const point = (position) => {
    current = Math.min(Math.max(position, 1), rows.length);
    const x = middle(current);
    for (const [key, value] of Object.entries({ x1: x, x2: x, visibility: "visible" })) pointer.setAttribute(key, value);
    legend.head.textContent = `residue ${current}, ${record.residues[current - 1]}`;
    legend.cells.forEach((cell, index) => {
      cell.textContent = rows[current - 1][column(names[index])].toFixed(2);
    });
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    point(Math.round(((event.clientX - box.left) * width / box.width - LEFT) / SLOT + 0.5));
  });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    point(current + step);
  });
  if (rows.length) point(record.site || 1);
  const plot = document.createElement("div");
  plot.className = "plot";
  plot.append(svg, legend.table);
  return plot;
}
