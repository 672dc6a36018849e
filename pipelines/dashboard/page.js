// Filters the facts, adds them up, and writes and draws what comes of it. A ratio is made of sums over the selection.
// What facts say goes into the page as text alone.

const facts = JSON.parse(document.getElementById("facts").textContent);
const specifications = JSON.parse(document.getElementById("charts").textContent);
const byId = (id) => document.getElementById(id);
const DAY = 86_400_000; // milliseconds

// Facts: a table is its columns; a column of text is its distinct values and a code for each row.
const tables = Object.fromEntries(Object.entries(facts.tables).map(([name, columns]) => [name, rowsOf(columns)]));
const groups = tables.groups, build = tables.build[0], kept = facts.kept;
const dimensions = ["account", "region", "instance_type"];

function rowsOf(columns) {
  const names = Object.keys(columns);
  const lists = names.map((name) => {
    const column = columns[name];
    return Array.isArray(column) ? column : column.codes.map((code) => column.values[code]);
  });
  return lists[0].map((_, row) => Object.fromEntries(names.map((name, at) => [name, lists[at][row]])));
}

// The selection: one account, region and type or all, and days.
function selection() {
  const chosen = Object.fromEntries(dimensions.map((name) => [name, byId(name).value]));
  const [first, last] = ["from", "to"].map((id) => (byId(id).value ? Date.parse(byId(id).value) / DAY : null));
  return { chosen, first: first ?? -Infinity, last: last ?? Infinity, unit: byId("unit").value };
}

const isWhole = ({ chosen }) => dimensions.every((name) => chosen[name] === "");

// The rows of a table that are of the selection. What has no type is of every type, and a month counts whole.
function selected(table, { chosen, first, last }) {
  const isIn = groups.map((group) =>
    dimensions.every((name) => chosen[name] === "" || group[name] === null || `=${group[name]}` === chosen[name]));
  return tables[table].filter((row) => (row.group === undefined || isIn[row.group])
    && (row.start === undefined || (row.start <= last && row.start + row.days > first)));
}

// Rows that have these keys in common, and the sums of all their other numbers; what is unknown counts as 0.
function summed(rows, keys) {
  const sums = new Map();
  for (const row of rows) {
    const id = JSON.stringify(keys.map((key) => row[key]));
    let sum = sums.get(id);
    if (!sum) sums.set(id, sum = Object.fromEntries(keys.map((key) => [key, row[key]])));
    for (const [name, value] of Object.entries(row)) {
      if (typeof value === "number" && !keys.includes(name)) sum[name] = (sum[name] ?? 0) + value;
    }
  }
  return [...sums.values()];
}

const total = (rows) => summed(rows, [])[0] ?? {};
const greatest = (rows, name) => rows.reduce((most, row) => Math.max(most, row[name] ?? 0), 0);

function ratio(part, whole) {
  return whole ? (part ?? 0) / whole : null;
}

// Wilson's interval of 95 % of a share, as in marts.failure_rates_daily.
function interval(part, whole) {
  if (!whole) return [null, null];
  const z = 1.959963984540054, p = part / whole, scale = 1 + z * z / whole;
  const middle = (p + z * z / (2 * whole)) / scale;
  const half = z * Math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole)) / scale;
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

// Words and numbers.
const plain = (digits) => new Intl.NumberFormat("en", { maximumFractionDigits: digits });
const integer = (value) => (value === null || value === undefined ? "–" : plain(0).format(value));
const little = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 }); // a minute is no 0 hours
const hours = (value) => (value === null || value === undefined ? "–" : value < 1 ? little.format(value) : plain(value < 100 ? 1 : 0).format(value));
const money = (value) => (value === null || value === undefined ? "–" : plain(value < 100 ? 2 : 0).format(value));
const price = (value) => plain(4).format(value);
const percent = (value) => (value === null || value === undefined ? "–" : `${plain(1).format(100 * value)}\u00a0%`);
const day = (days) => new Date(days * DAY).toISOString().slice(0, 10);
const label = ({ start, days }) => (days === 1 ? day(start) : `${day(start)} to ${day(start + days - 1)}`);
const words = (text) => text.replaceAll("_", " ");
const minute = (instant) => (instant === null ? "–" : instant.slice(0, 16));

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const [unit, name] = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]].find(([least]) => seconds >= least) ?? [1, "s"];
  return `${plain(1).format(seconds / unit)}\u00a0${name}`;
}

function waited(at) {
  if (at < 0) return at === -1 ? "ended without a start" : "still waiting";
  const [from, to] = [facts.waits_from[at], facts.waits_from[at + 1]];
  return to === undefined ? `${duration(from)} or longer` : `${from ? `${duration(from)} to ` : "under "}${duration(to)}`;
}

// Where some are of months, or many are shown, all are put into months; what has few jobs a day into weeks.
function binned(rows, { inWeeks }) {
  const [first, last] = range(rows);
  const areMonths = last - first > 100 || rows.some((row) => row.days > 1);
  return rows.map((row) => {
    if (areMonths) {
      const [year, month] = day(row.start).split("-").map(Number), start = Date.UTC(year, month - 1) / DAY;
      return { ...row, start, days: Date.UTC(year, month) / DAY - start };
    }
    return inWeeks && last - first > 14 ? { ...row, start: row.start - (row.start + 3) % 7, days: 7 } : row;
  });
}

// The first day of some rows, and the day after their last.
const range = (rows) => rows.reduce(([first, last], row) => [Math.min(first, row.start), Math.max(last, row.start + row.days)], [Infinity, -Infinity]);

// How many days of a period are in what is on record and in the selection; of what is kept by month, the whole month.
function daysOf({ start, days }, { first, last }) {
  const isKeptByMonth = start < kept.by_day_from;
  const from = Math.max(start, kept.oldest, isKeptByMonth ? start : first), to = Math.min(start + days - 1, kept.newest, isKeptByMonth ? Infinity : last);
  return to - from + 1;
}

const inTime = (rows) => rows.sort((a, b) => a.start - b.start)
  .map((row) => ({ ...row, from: row.start * DAY, to: (row.start + row.days) * DAY, at: (row.start + row.days / 2) * DAY, label: label(row) }));

// Figures: the rows that each draws and lists for a selection, and the columns of its list.
const period = ["label", "Period"];
const figures = {
  use: {
    columns: [period, ["amount", "Hours", hours], ["amount_a_day", "Hours a day", hours]],
    rows: (chosen) => inTime(summed(binned(selected("utilization", chosen), {}), ["start", "days"])).map((row) => {
      const amount = row[`${chosen.unit}_hours`] ?? 0, amount_a_day = amount / daysOf(row, chosen);
      return { ...row, amount, amount_a_day, told: `${hours(amount_a_day)} hours a day` };
    }),
  },
  peaks: {
    columns: [period, ["low", "At least", integer], ["high", "At most", integer]],
    rows: (chosen) => {
      const rows = binned(peaks(chosen), {});
      return inTime(summed(rows, ["start", "days"])).map((period) => {
        const within = rows.filter((row) => row.start === period.start);
        const [low, high] = [greatest(within, "low"), greatest(within, "high")];
        return { ...period, low, high, told: between(low, high) };
      });
    },
  },
  costs: {
    columns: [period, ["list_cost", "List cost", money], ["cost_a_day", "A day", money], ["priced_share", "Of hours with a price", percent], ["billed_instance_hours", "Hours billed", hours]],
    rows: (chosen) => inTime(summed(binned(selected("costs", chosen), {}), ["start", "days"])).filter((row) => row.list_cost).map((row) => {
      const cost_a_day = row.list_cost / daysOf(row, chosen);
      return { ...row, cost_a_day, priced_share: pricedShare(row), told: `${money(cost_a_day)} a day` };
    }),
  },
  statuses: {
    columns: [["secondary_status", "Secondary status"], ["phase", "Phase"], ["hours", "Hours", hours], ["share", "Share", percent], ["visits", "Visits", integer]],
    rows: (chosen) => {
      const rows = summed(selected("statuses", chosen), ["secondary_status", "phase"]);
      const all = total(rows).seconds;
      return rows.filter((row) => row.seconds > 0).sort((a, b) => b.seconds - a.seconds).map((row) => ({
        ...row, hours: row.seconds / 3600, share: ratio(row.seconds, all),
        told: `${hours(row.seconds / 3600)} hours, ${percent(ratio(row.seconds, all))}`,
      }));
    },
  },
  failures: {
    columns: [period, ["rate", "Failure rate", percent], ["low", "From", percent], ["high", "To", percent], ["started_and_ended_jobs", "Jobs", integer]],
    rows: (chosen) => inTime(summed(binned(selected("failures", chosen), { inWeeks: true }), ["start", "days"]))
      .filter((row) => row.started_and_ended_jobs)
      .map((row) => ({ ...row, ...failureRate(row), told: toldRate(row) })),
  },
  waits: {
    columns: [["class", "Waited"], ["jobs", "Jobs", integer], ["share", "Share", percent]],
    rows: (chosen) => {
      const rows = summed(selected("waits", chosen), ["waited"]);
      const order = (row) => (row.waited < 0 ? 100 - row.waited : row.waited);
      return rows.sort((a, b) => order(a) - order(b)).map((row) => ({
        ...row, class: waited(row.waited), share: ratio(row.jobs, total(rows).jobs), told: `${integer(row.jobs)} jobs`,
      }));
    },
  },
  waste: {
    columns: [["cause", "Cause"], ["kind", "Kind"], ["hours", "Hours", hours], ["jobs", "Jobs", integer]],
    rows: (chosen) => summed(selected("waste", chosen), ["waste", "cause"])
      .map((row) => ({ ...row, cause: words(row.cause), kind: words(row.waste), hours: row[`${chosen.unit}_hours`] ?? 0 }))
      .filter((row) => row.hours > 0).sort((a, b) => b.hours - a.hours)
      .map((row) => ({ ...row, told: `${hours(row.hours)} hours, ${row.kind}` })),
  },
  goodput: {
    columns: [period, ["low", "At least", percent], ["high", "At most", percent], ["instance_hours", "Instance-hours", hours]],
    rows: (chosen) => inTime(summed(selected("goodput", chosen), ["start", "days"])).filter((row) => row.instance_hours)
      .map((row) => {
        const [low, high] = ["low", "high"].map((end) => ratio(row[`productive_instance_hours_${end}`], row.instance_hours));
        return { ...row, low, high, told: `between ${percent(low)} and ${percent(high)}` };
      }),
  },
  spot: {
    columns: [period, ["savings", "Saved", percent], ["interruptions", "Interruptions", integer], ["per_1000_hours", "For 1,000 instance-hours", hours], ["ended_jobs", "Jobs", integer]],
    rows: (chosen) => inTime(summed(selected("spot", chosen), ["start", "days"])).map((row) => ({ ...row, ...spot(row), told: percent(spot(row).savings) })),
  },
};

// Lists without a chart.
const lists = {
  fingerprints: {
    columns: [["reason", "Reason"], ["failure_class", "Class"], ["failure_actor", "Who can mend it"], ["jobs", "Jobs", integer], ["instance_hours", "Instance-hours", hours]],
    rows: (chosen) => {
      const reasons = new Map(tables.reasons.map((row) => [row.failure_fingerprint, row]));
      return summed(selected("fingerprints", chosen), ["failure_fingerprint"]).sort((a, b) => b.jobs - a.jobs).slice(0, 10)
        .map((row) => ({ ...reasons.get(row.failure_fingerprint), ...row }));
    },
  },
  slowest: {
    columns: [["training_job_name", "Job"], ["instance_type", "Type"], ["instance_count", "Instances", integer], ["training_job_status", "Status"],
      ["creation_time", "Created (UTC)", minute, ""], ["queue_wait_seconds", "Waited", duration], ["run_seconds", "Ran", duration], ["instance_hours", "Instance-hours", hours]],
    rows: (chosen) => selected("slowest", chosen).slice(0, 10),
  },
  idle: {
    columns: [["training_job_name", "Job"], ["team", "Team"], ["instance_type", "Type"], ["gpu_hours", "GPU-hours", hours], ["idle_gpu_hours", "Of them idle", hours],
      ["idle_share", "Time idle", percent], ["mean_share", "Mean use", percent], ["coverage_share", "Measured", percent]],
    rows: (chosen) => selected("idle", chosen).slice(0, 20),
  },
  quotas: {
    columns: [["instance_type", "Type"], ["of", "Quota of"], ["account_id", "Account"], ["region", "Region"], ["quota_instances", "Instances allowed", integer],
      ["peak_instances", "Most used", integer], ["peak_utilization", "Of those allowed", percent], ["seconds_at_quota", "Time at quota", duration], ["waited_jobs_at_quota", "Jobs that waited then", integer]],
    rows: (chosen) => selected("quotas", chosen).slice(0, 20)
      .map((row) => ({ ...row, instance_type: row.instance_type === "all" ? "all types" : row.instance_type, of: `${row.is_spot ? "spot " : ""}${words(row.kind)}` })),
  },
  dearest: {
    columns: [["training_job_name", "Job"], ["training_job_status", "Status"], ["line", "Line of the bill", words, ""], ["instance_type", "Type"], ["instance_count", "Instances", integer],
      ["billed_seconds", "Seconds billed", integer], ["price_per_hour", "Price an hour", price], ["price_valid_from", "Price since"], ["list_cost", "List cost", money]],
    rows: (chosen) => selected("dearest", chosen).slice(0, 10),
  },
  stuck: {
    columns: [["training_job_name", "Job"], ["secondary_status", "Status"], ["instance_type", "Type"], ["instance_count", "Instances", integer],
      ["since", "Since (UTC)", minute, ""], ["age_seconds", "For", duration], ["p99_seconds", "99 % took less than", duration]],
    rows: (chosen) => selected("stuck", chosen).slice(0, 20),
  },
  quality: {
    columns: [["flaw", "Flaw", words, ""], ["flawed_jobs", "Jobs", integer], ["examined_jobs", "Of", integer], ["share", "Share", percent]],
    rows: (chosen) => summed(selected("quality", chosen), ["flaw"]).sort((a, b) => b.flawed_jobs - a.flawed_jobs)
      .map((row) => ({ ...row, share: ratio(row.flawed_jobs, row.examined_jobs) })),
  },
  freshness: {
    columns: [["account_id", "Account"], ["region", "Region"], ["newest_observed_at", "Seen (UTC)", minute, ""], ["newest_last_modified_time", "Newest change (UTC)", minute, ""],
      ["newest_change_age_seconds", "Its age then", duration]],
    rows: (chosen) => selected("freshness", chosen),
  },
};

// Of each choice of an account, a region and a type, or all (null), the facts have the bounds of the peak.
function peaks(chosen) {
  const unit = `${chosen.unit}s`;
  if (isWhole(chosen)) return selected("fleet_peaks", chosen).map((row) => ({ ...row, low: row[unit] ?? 0, high: row[unit] ?? 0 }));
  return selected("peaks", chosen)
    .filter((row) => dimensions.every((name) => (row[name] === null ? "" : `=${row[name]}`) === chosen.chosen[name]))
    .map((row) => ({ start: row.start, days: row.days, low: row[`${unit}_low`] ?? 0, high: row[`${unit}_high`] ?? 0 }));
}

const between = (low, high) => (low === high ? integer(high) : `${integer(low)} to ${integer(high)}`);

const pricedShare = (sums) => ratio(sums.priced_instance_hours, sums.billed_instance_hours);

function failureRate(sums) {
  const [low, high] = interval(sums.started_and_failed_jobs, sums.started_and_ended_jobs);
  return { rate: ratio(sums.started_and_failed_jobs, sums.started_and_ended_jobs), low, high };
}

function toldRate(sums) {
  const { rate, low, high } = failureRate(sums);
  return `${percent(rate)} of ${integer(sums.started_and_ended_jobs)} jobs (${percent(low)} to ${percent(high)})`;
}

function spot(sums) {
  return {
    savings: sums.trained_instance_hours ? 1 - ratio(sums.billed_instance_hours, sums.trained_instance_hours) : null,
    per_1000_hours: sums.instance_hours ? 1000 * ratio(sums.interruptions, sums.instance_hours) : null,
  };
}

// Totals of the selection: name, what is shown, the figure itself, and a small line.
function totals(chosen) {
  const use = total(selected("utilization", chosen)), ended = total(selected("failures", chosen));
  const cost = total(selected("costs", chosen)), priced = pricedShare(cost);
  const spots = total(selected("spot", chosen)), work = total(selected("goodput", chosen));
  const waits = selected("waits", chosen), started = waits.filter((row) => row.waited >= 0);
  const { rate, low, high } = failureRate(ended), { savings, per_1000_hours: interruptions } = spot(spots);
  const peak = peaks(chosen), most = greatest(peak, "high"), least = greatest(peak, "low");
  const mean = ratio(total(started).queue_wait_seconds, total(started).jobs);
  const wastes = selected("waste", chosen), lost = wastes.length ? total(wastes)[`${chosen.unit}_hours`] ?? null : 0;
  const stuck = total(selected("stuck_counts", chosen)).jobs ?? 0;
  return [
    ["submitted_jobs", "Jobs submitted", integer(use.submitted_jobs ?? 0), use.submitted_jobs ?? 0, `${integer(use.ended_jobs ?? 0)} ended`],
    ["failure_rate", "Failure rate", percent(rate), rate, rate === null ? "" : `${percent(low)} to ${percent(high)} (95\u00a0%)`],
    ["instance_hours", "Instance-hours", hours(use.instance_hours ?? 0), use.instance_hours ?? 0,
      use.instance_hours && use.billable_instance_hours === undefined ? "bill unknown" : `${hours(use.billable_instance_hours ?? 0)} billed`],
    ["gpu_hours", "GPU-hours", hours(use.instance_hours ? use.gpu_hours : 0), use.instance_hours ? use.gpu_hours ?? null : 0, "of known types"],
    ["list_cost", "List cost", money(priced ? cost.list_cost : null), priced ? cost.list_cost : null, priced === null ? "" : `of the ${percent(priced)} of hours with a price`],
    ["peak", `Peak of ${chosen.unit === "gpu" ? "GPUs" : "instances"}`, between(least, most), most, "at once"],
    ["mean_wait", "Mean wait", duration(mean), mean, middle(started)],
    ["goodput", "Goodput", percent(ratio(work.productive_instance_hours_low, work.instance_hours)), ratio(work.productive_instance_hours_low, work.instance_hours),
      `at least; at most ${percent(ratio(work.productive_instance_hours_high, work.instance_hours))}`],
    ["savings", "Saved by spot", percent(savings), savings, interruptions === null ? "" : `${hours(interruptions)} interruptions per 1,000 hours`],
    ["waste", "Hours wasted", hours(lost), lost, `of ${chosen.unit === "gpu" ? "GPUs of known types" : "instances"}, all time`],
    ["stuck_jobs", "Stuck now", integer(stuck), stuck, "open jobs"],
  ];
}

// The class of waits that the median is in.
function middle(started) {
  const classes = summed(started, ["waited"]).sort((a, b) => a.waited - b.waited), half = (total(classes).jobs ?? 0) / 2;
  let seen = 0;
  const found = classes.find((row) => (seen += row.jobs) >= half);
  return found ? `median ${waited(found.waited)}` : "";
}

// Writing: elements and their text.
function element(name, content = [], attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...[content].flat());
  return made;
}

function table(title, columns, rows) {
  const kind = (format, name) => (format && name !== "" ? { class: "number" } : {});
  const head = columns.map(([, heading, format, text]) => element("th", heading, { scope: "col", ...kind(format, text) }));
  const body = rows.map((row) => element("tr", columns.map(([name, , format, text], at) => {
    const shown = format ? format(row[name]) : String(row[name] ?? "–");
    const attributes = at === 0 ? { scope: "row", ...(shown.length > 20 ? { class: "long" } : {}) } : kind(format, text);
    return element(at === 0 ? "th" : "td", shown, attributes);
  })));
  return element("div", element("table", [
    element("caption", title), element("thead", element("tr", head)), element("tbody", body),
  ]), { class: "scroll", tabindex: "0", role: "region", "aria-label": title });
}

const titleOf = (id) => byId(id).querySelector("h2").textContent;

function writeTotals(chosen) {
  byId("totals").replaceChildren(...totals(chosen).map(([name, title, shown, value, small]) => element("div", [
    element("dt", title),
    element("dd", [element("data", shown, { value: value ?? "", "data-figure": name }), element("small", small)]),
  ])));
}

// Drawing: each chart is embedded once for a colour scheme, and given rows anew.
const views = new Map(), darkness = matchMedia("(prefers-color-scheme: dark)");

function colours() {
  const style = getComputedStyle(document.documentElement), of = (name) => style.getPropertyValue(name).trim();
  const series = of("--series").split(/\s+/), text = { labelColor: of("--quiet"), titleColor: of("--quiet"), titleFontWeight: "normal" };
  const marks = Object.fromEntries(["bar", "rect", "point", "rule"].map((mark) => [mark, { color: series[0] }]));
  return {
    ...marks, background: null, font: "system-ui, sans-serif", view: { stroke: null }, range: { category: series },
    axis: { ...text, domainColor: of("--line"), tickColor: of("--line"), gridColor: of("--faint"), labelFontSize: 11 },
    legend: { ...text, labelFontSize: 11 },
  };
}

async function draw(id, rows) {
  const section = byId(id);
  section.querySelector(".chart").hidden = section.querySelector("details").hidden = !rows.length;
  section.querySelector(".empty").hidden = rows.length > 0;
  section.querySelector("details").replaceChildren(element("summary", "Figures"), table(titleOf(id), figures[id].columns, rows));
  if (!rows.length) return;
  const specification = specifications[id], barHeight = specification.usermeta?.barHeight;
  const height = barHeight ? barHeight * rows.length : specification.height;
  if (!views.has(id)) {
    const made = vegaEmbed(section.querySelector(".chart"), { ...specification, datasets: { rows }, height }, {
      actions: false, renderer: "svg", ast: true, mode: "vega-lite", config: colours(),
      tooltip: { theme: darkness.matches ? "dark" : "light" },
    });
    views.set(id, made.then(({ view }) => view));
  }
  const view = await views.get(id);
  const told = rows.slice(0, 5).map((row) => `${row.label ?? row.secondary_status ?? row.class ?? row.cause}: ${row.told}`);
  view.description(`${titleOf(id)}. ${told.join("; ")}${rows.length > 5 ? "; all below, under Figures" : ""}`);
  await view.data("rows", rows).height(height).resize().runAsync();
}

async function show() {
  const chosen = selection();
  writeTotals(chosen);
  for (const [id, { columns, rows }] of Object.entries(lists)) {
    const found = rows(chosen), section = byId(id);
    section.querySelector(".list").replaceChildren(...(found.length ? [table(titleOf(id), columns, found)] : []));
    section.querySelector(".empty").hidden = found.length > 0;
  }
  const [first, end] = range(selected("utilization", chosen));
  const span = first < end ? `, from ${day(Math.max(first, kept.oldest))} to ${day(Math.min(end - 1, kept.newest))}` : "";
  const names = dimensions.map((name) => chosen.chosen[name].slice(1)).filter(Boolean).join(", ");
  byId("shown").textContent = `Shown: ${names || "the whole fleet"}${span || ", in which nothing happened"}.`;
  await Promise.all(Object.entries(figures).map(([id, { rows }]) => draw(id, rows(chosen))));
}

// One drawing after another, and of what was chosen meanwhile only the last.
let drawing = null, isStale = false;

async function refresh() {
  if (drawing) {
    isStale = true;
    return;
  }
  document.documentElement.setAttribute("aria-busy", "true");
  do {
    isStale = false;
    drawing = show();
    await drawing;
  } while (isStale);
  drawing = null;
  document.documentElement.removeAttribute("aria-busy");
}

function chooseSpan() {
  const span = byId("span").value;
  if (span === "own" || kept.newest === null) return;
  byId("to").value = span ? day(kept.newest) : "";
  byId("from").value = span ? day(Math.max(kept.oldest, kept.newest - Number(span) + 1)) : "";
}

function begin() {
  for (const [name, all] of [["account", "all accounts"], ["region", "all regions"], ["instance_type", "all types"]]) {
    const values = [...new Set(groups.map((group) => group[name]))].filter((value) => value !== null).sort();
    byId(name).replaceChildren(new Option(all, ""), ...values.map((value) => new Option(value, `=${value}`)));
  }
  if (kept.newest !== null) {
    for (const id of ["from", "to"]) Object.assign(byId(id), { min: day(kept.oldest), max: day(kept.newest) });
  }
  for (const id of Object.keys(figures)) {
    byId(id).append(element("div", [], { class: "chart" }), element("p", "Nothing of this in the selection.", { class: "empty" }), element("details"));
  }
  for (const id of Object.keys(lists)) {
    byId(id).append(element("div", [], { class: "list" }), element("p", "Nothing of this in the selection.", { class: "empty" }));
  }
  const wait = tables.queue_wait[0];
  byId("asof").textContent = build.newest_observed_at
    ? `${integer(build.jobs)} jobs, ${integer(build.open_jobs)} of them open, as seen up to ${minute(build.newest_observed_at)} UTC`
    : "No jobs yet";
  byId("fleet_wait").textContent = wait.p50_seconds === null ? "" : `Of all jobs on record the median wait is ${duration(wait.p50_seconds)},`
    + ` the 90th percentile ${duration(wait.p90_seconds)}; counting those that gave up or still wait (Kaplan-Meier)`
    + ` ${duration(wait.km_p50_seconds)} and ${duration(wait.km_p90_seconds)}.`;
  byId("slowest_cut").textContent = kept.slowest_are_cut ? "Only the longest runs of the fleet are kept: of a selection shorter ones may be missing." : "";
  byId("kept").textContent = kept.newest === null ? "" : `Days are of the time zone ${build.time_zone}.`
    + ` What happened before ${day(kept.by_day_from)} is kept by month, and a month counts whole if a day of it is chosen.`
    + (kept.is_cut ? ` What is older than ${day(kept.oldest)} is not on this page.` : "")
    + ` The ${kept.names} accounts, regions and types that use the most are told apart, further ones are together as “other”;`
    + ` of failures the ${kept.fingerprints} that came most often. The warehouse has all.`;
  byId("build").textContent = `Build ${build.build_id}, Trainyard ${build.trainyard_version}.`
    + (build.documents_quarantined ? ` ${integer(build.documents_quarantined)} documents could not be read and are in quarantine.` : "");
  byId("none").hidden = build.jobs > 0;
  for (const id of [...Object.keys(figures), ...Object.keys(lists), "filters", "totals", "shown", "kept"]) byId(id).hidden = !build.jobs;
  if (!build.jobs) return;

  byId("filters").addEventListener("change", ({ target }) => {
    if (target.id === "span") chooseSpan();
    else if (["from", "to"].includes(target.id)) byId("span").value = "own";
    refresh();
  });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("all").addEventListener("click", () => {
    byId("filters").reset();
    refresh();
  });
  darkness.addEventListener("change", async () => {
    await drawing;
    for (const view of views.values()) (await view).finalize();
    views.clear();
    refresh();
  });
  refresh();
}

begin();
