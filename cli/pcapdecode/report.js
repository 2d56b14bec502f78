'use strict';
// Everything from the wire is put in place as text: by textContent and setAttribute only.
const data = JSON.parse(document.getElementById('data').textContent);
const svgNamespace = 'http://www.w3.org/2000/svg';

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const key in attributes || {}) made.setAttribute(key, attributes[key]);
  made.append(...children.map(String));
  return made;
}

function drawn(name, attributes, text) {
  const made = document.createElementNS(svgNamespace, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

function place(id, child) {
  document.getElementById(id).replaceChildren(child);
}

// Microseconds as people read them.
function span(us) {
  if (us < 1000) return us + ' \u00b5s';
  if (us < 1e6) return (us / 1000).toFixed(us < 1e4 ? 2 : 1) + ' ms';
  return (us / 1e6).toFixed(us < 1e7 ? 2 : 1) + ' s';
}

function clock(us) {
  return new Date(data.begin_ms + us / 1000).toISOString().replace('T', ' ').replace('Z', '');
}

function count(number, what) {
  return number.toLocaleString('en') + ' ' + what + (number === 1 ? '' : 's');
}

function drawFacts() {
  const facts = document.getElementById('facts');
  const add = (value, name) => {
    const fact = element('div', {});
    fact.append(element('b', {}, value), name);
    facts.append(fact);
  };
  add(clock(0), 'UTC, begin');
  add(span(data.length_us), 'long');
  add(data.totals.streams.toLocaleString('en'), 'connections');
  add(data.totals.commands.toLocaleString('en'), 'commands');
  add(data.totals.errors.toLocaleString('en'), 'errors');
  add(data.totals.problems.toLocaleString('en'), 'problems');
}

function title(stream) {
  return '#' + stream.id + '  ' + stream.client + ' > ' + stream.server +
      (stream.user ? '  ' + stream.user : '') + (stream.db ? '@' + stream.db : '');
}

function drawTimeline() {
  const left = 330, width = 740, height = 22;
  const all = drawn('svg', {width: left + width + 20, height: data.streams.length * height + 30,
    role: 'img'});
  const x = (us) => left + us / Math.max(1, data.length_us) * width;
  for (let i = 0; i <= 4; ++i) {
    const at = data.length_us * i / 4;
    all.append(drawn('text', {x: Math.min(x(at), left + width - 60), y: 14, class: 'dim'},
        '+' + span(Math.round(at))));
  }
  data.streams.forEach((stream, i) => {
    const y = 22 + i * height;
    const row = drawn('g', {class: 'row'});
    row.append(drawn('title', {}, title(stream) + '\n' + stream.about));
    row.append(drawn('text', {x: 6, y: y + 14, class: stream.errors ? 'bad' : ''},
        ('#' + stream.id + ' ' + stream.client + ' ' + stream.user +
            (stream.db ? '@' + stream.db : '')).slice(0, 44)));
    row.append(drawn('rect', {x: x(stream.begin), y: y + 3, height: height - 8, class: 'bar',
      width: Math.max(2, x(stream.end) - x(stream.begin))}));
    for (const [begin, end, bad] of stream.marks)
      row.append(drawn('rect', {x: x(begin), y: y + 5, height: height - 12,
        width: Math.max(1, x(end) - x(begin)), class: bad ? 'mark bad' : 'mark'}));
    row.addEventListener('click', () => show(stream.id, true));
    all.append(row);
  });
  place('timeline', all);
  const hidden = data.totals.streams - data.streams.length;
  document.getElementById('streams-note').textContent = hidden > 0 ?
      'The first ' + count(data.streams.length, 'connection') + '; ' + hidden + ' more are not shown.' :
      'A bar is a connection, a mark in it a command until its answer is complete.';
}

function drawLadder(stream) {
  const left = 150, right = 1040, height = 30;
  const all = drawn('svg', {width: right + 60, height: stream.messages.length * height + 60});
  all.append(drawn('line', {x1: left, x2: left, y1: 30, y2: '100%', class: 'life'}));
  all.append(drawn('line', {x1: right, x2: right, y1: 30, y2: '100%', class: 'life'}));
  all.append(drawn('text', {x: left - 40, y: 18}, stream.client));
  all.append(drawn('text', {x: right - 90, y: 18}, stream.server));
  stream.messages.forEach(([us, toServer, text, frame, bad], i) => {
    const y = 52 + i * height;
    const kind = toServer ? 'c2s' : 's2c';
    const tip = toServer ? right : left, back = toServer ? -8 : 8;
    const group = drawn('g', {});
    group.append(drawn('title', {}, 'frame ' + frame + '\n' + text));
    group.append(drawn('text', {x: 4, y: y + 4, class: 'dim'}, '+' + span(us)));
    group.append(drawn('line', {x1: left, x2: right, y1: y, y2: y, class: kind}));
    group.append(drawn('path', {class: kind,
      d: 'M' + tip + ' ' + y + ' l' + back + ' -4 l0 8 z'}));
    group.append(drawn('text', {x: left + 16, y: y - 5, class: bad ? 'bad' : ''},
        text.length > 115 ? text.slice(0, 114) + '\u2026' : text));
    all.append(group);
  });
  place('ladder', all);
  document.getElementById('stream-note').textContent = stream.about +
      (stream.left_out ? '; ' + count(stream.left_out, 'more message') + ' not shown' : '');
}

function show(id, jump) {
  const stream = data.streams.find((each) => each.id === id);
  if (!stream) return;
  document.getElementById('stream').value = String(id);
  drawLadder(stream);
  if (jump) document.getElementById('ladder-title').scrollIntoView({behavior: 'smooth'});
}

function drawChoice() {
  const choice = document.getElementById('stream');
  for (const stream of data.streams)
    choice.append(element('option', {value: stream.id}, title(stream)));
  choice.addEventListener('change', () => show(Number(choice.value), false));
  if (data.streams.length) show(data.streams[0].id, false);
}

function drawHistogram() {
  const most = Math.max(1, ...data.histogram.map(([, number]) => number));
  const shown = data.histogram.filter(([, number]) => number > 0);
  const all = drawn('svg', {width: 900, height: shown.length * 22 + 6});
  shown.forEach(([limit, number], i) => {
    const y = 4 + i * 22;
    all.append(drawn('text', {x: 0, y: y + 13}, limit === null ? 'more' : '\u2264 ' + span(limit)));
    all.append(drawn('rect', {x: 90, y: y, height: 17, width: Math.max(1, number / most * 640),
      class: 'mark'}));
    all.append(drawn('text', {x: 96 + number / most * 640, y: y + 13, class: 'dim'},
        number.toLocaleString('en')));
  });
  place('histogram', shown.length ? all : element('p', {class: 'dim'}, 'No command was answered.'));
}

function drawStatements(id, list, nothing) {
  if (!list.length) return place(id, element('p', {class: 'dim'}, nothing));
  const table = element('table', {});
  const head = element('tr', {});
  head.append(element('th', {class: 'number'}, 'took'), element('th', {}, 'connection'),
      element('th', {class: 'number'}, 'rows'), element('th', {}, 'statement'));
  table.append(head);
  for (const item of list) {
    const row = element('tr', {});
    const where = element('td', {});
    const link = element('button', {class: 'link', type: 'button'}, '#' + item.stream);
    link.addEventListener('click', () => show(item.stream, true));
    where.append(link, ' ' + item.user + ' ' + clock(item.at));
    const statement = element('td', {class: 'sql'}, item.query);
    if (item.error) statement.append(element('div', {class: 'bad'}, item.error));
    row.append(element('td', {class: 'number'}, item.took === null ? '' : span(item.took)), where,
        element('td', {class: 'number'}, item.rows.toLocaleString('en')), statement);
    table.append(row);
  }
  place(id, table);
}

function drawProblems() {
  if (!data.problems.length) return place('problems', element('p', {class: 'dim'}, 'Nothing.'));
  const list = element('ul', {});
  for (const problem of data.problems)
    list.append(element('li', {}, '#' + problem.stream + ' frame ' + problem.frame + ': ' +
        problem.what + ': ' + problem.note));
  place('problems', list);
}

drawFacts();
drawTimeline();
drawChoice();
drawHistogram();
drawStatements('slowest', data.slowest, 'No command was answered.');
drawStatements('failing', data.failing, 'None failed.');
drawProblems();
document.body.setAttribute('data-drawn', 'yes');
