/**
 * The programs of the blueprint `repo-report`: Node without any package, so that they run wherever orch
 * does. Each prints a few facts, which become the summary that later jobs read, and writes them as JSON.
 * Symbolic links, unreadable files and folders of dependencies are passed over.
 */

/** Where the report is written. */
export const reportFolder = 'orch-report'

const shared = `
const fs = require('node:fs'), path = require('node:path');
const out = '${reportFolder}';
const save = (name, data) => {
  fs.mkdirSync(out, { recursive: true });
  fs.writeFileSync(path.join(out, name), JSON.stringify({ generatedAt: new Date().toISOString(), ...data }, null, 2) + '\\n');
};
const load = (name) => JSON.parse(fs.readFileSync(path.join(out, name), 'utf8'));
const textOf = (file) => {
  if (file.bytes > 2000000) return null;
  try { const bytes = fs.readFileSync(file.path); return bytes.includes(0) ? null : bytes.toString('utf8'); } catch { return null; }
};
`

const inventory = `
for (const name of ['inventory.json', 'languages.json', 'largest.json', 'markers.json', 'readme.json',
  'overview.md', 'readme-review.md', 'next-steps.md', 'report.md']) fs.rmSync(path.join(out, name), { force: true });
const skip = new Set(['.git', '.orch', '.hg', '.svn', 'node_modules', 'vendor', 'dist', 'build', 'target', 'coverage', '.venv', '__pycache__', out]);
const files = [], folders = ['.'];
const limit = 20000;
while (folders.length > 0 && files.length < limit) {
  const folder = folders.pop();
  let entries = [];
  try { entries = fs.readdirSync(folder, { withFileTypes: true }); } catch { continue; }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const at = path.posix.join(folder, entry.name);
    if (entry.isDirectory() && !skip.has(entry.name)) folders.push(at);
    if (!entry.isFile() || files.length >= limit) continue;
    try { const { size, mtime } = fs.lstatSync(at); files.push({ path: at, bytes: size, changed: mtime.toISOString() }); } catch {}
  }
}
files.sort((a, b) => (a.path < b.path ? -1 : 1));
const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
save('inventory.json', { fileCount: files.length, bytes, complete: files.length < limit, files });
console.log(files.length + ' files, ' + bytes + ' bytes');
const top = new Map();
for (const file of files) { const name = file.path.includes('/') ? file.path.split('/')[0] + '/' : file.path; top.set(name, (top.get(name) || 0) + 1); }
for (const [name, count] of [...top].slice(0, 40)) console.log(name + (name.endsWith('/') ? ' (' + count + ' files)' : ''));
`

const languages = `
const totals = new Map();
for (const file of load('inventory.json').files) {
  const text = textOf(file);
  if (text === null) continue;
  const kind = path.extname(file.path).toLowerCase() || '(none)';
  const total = totals.get(kind) || { kind, files: 0, lines: 0, blank: 0 };
  const lines = text === '' ? [] : text.replace(/\\r?\\n$/, '').split('\\n');
  total.files += 1; total.lines += lines.length; total.blank += lines.filter((line) => line.trim() === '').length;
  totals.set(kind, total);
}
const kinds = [...totals.values()].sort((a, b) => b.lines - a.lines);
save('languages.json', { lines: kinds.reduce((sum, kind) => sum + kind.lines, 0), kinds });
for (const kind of kinds.slice(0, 15)) console.log(kind.kind + ': ' + kind.lines + ' lines in ' + kind.files + ' files');
`

const largest = `
const { files } = load('inventory.json');
const by = (key) => [...files].sort((a, b) => (a[key] < b[key] ? 1 : -1)).slice(0, 20);
save('largest.json', { largest: by('bytes'), newest: by('changed') });
for (const file of by('bytes').slice(0, 10)) console.log(file.bytes + ' bytes: ' + file.path);
for (const file of by('changed').slice(0, 5)) console.log('changed ' + file.changed + ': ' + file.path);
`

const markers = `
const found = [];
for (const file of load('inventory.json').files) {
  const text = textOf(file);
  if (text === null) continue;
  text.split('\\n').forEach((line, index) => {
    const match = /\\b(TODO|FIXME|HACK|XXX)\\b[:( ]?(.*)/.exec(line);
    if (match && found.length < 1000) found.push({ path: file.path, line: index + 1, kind: match[1], text: match[2].trim().slice(0, 160) });
  });
}
save('markers.json', { count: found.length, markers: found });
console.log(found.length + ' markers');
for (const one of found.slice(0, 20)) console.log(one.path + ':' + one.line + ' ' + one.kind + ' ' + one.text);
`

const readme = `
const file = load('inventory.json').files.find(({ path: at }) => /^readme(\\.[a-z]+)?$/i.test(at));
const text = file ? textOf(file) : null;
const headings = text === null ? [] : text.split('\\n').filter((line) => /^#{1,6} /.test(line)).map((line) => line.trim());
const mentions = Object.fromEntries(['install', 'usage', 'test', 'license', 'contribut'].map((word) => [word, text !== null && text.toLowerCase().includes(word)]));
save('readme.json', { path: text === null ? null : file.path, words: text === null ? 0 : text.split(/\\s+/).filter(Boolean).length, headings, mentions });
if (text === null) console.log('There is no README that can be read');
else {
  console.log(file.path + ': ' + headings.length + ' headings; mentions ' + JSON.stringify(mentions));
  console.log(text.slice(0, 6000));
}
`

const assemble = `
const part = (name) => fs.readFileSync(path.join(out, name), 'utf8').trim();
const all = load('inventory.json'), code = load('languages.json'), big = load('largest.json'), open = load('markers.json'), about = load('readme.json');
const row = (cells) => '| ' + cells.map((cell) => String(cell).replace(/[|\\n]/g, ' ')).join(' | ') + ' |';
const report = ['# Repository report', '', 'Written ' + new Date().toISOString() + '.', '',
  '## Size', '', all.fileCount + ' files, ' + all.bytes + ' bytes, ' + code.lines + ' lines of text, ' + open.count + ' open markers, README: ' + (about.path || 'none') + '.', '',
  row(['kind', 'files', 'lines']), row(['---', '---', '---']), ...code.kinds.slice(0, 15).map((kind) => row([kind.kind, kind.files, kind.lines])), '',
  '## Largest files', '', ...big.largest.slice(0, 10).map((file) => '- ' + file.path + ' (' + file.bytes + ' bytes)'), '',
  '## Overview', '', part('overview.md'), '', '## README', '', part('readme-review.md'), '', '## Next steps', '', part('next-steps.md'), ''];
fs.writeFileSync(path.join(out, 'report.md'), report.join('\\n'));
console.log('Wrote ' + path.join(out, 'report.md') + ': ' + all.fileCount + ' files, ' + code.lines + ' lines');
`

const addsUp = `
const all = load('inventory.json'), code = load('languages.json');
const counted = code.kinds.reduce((sum, kind) => sum + kind.files, 0);
if (counted > all.fileCount || code.lines !== code.kinds.reduce((sum, kind) => sum + kind.lines, 0)) {
  console.error('languages.json counts ' + counted + ' of ' + all.fileCount + ' files');
  process.exit(1);
}
`

const programs = { inventory, languages, largest, markers, readme, assemble, addsUp }

/** The argv of one of the programs. */
export function reportCommand(name: keyof typeof programs): readonly [string, ...string[]] {
  return ['node', '-e', `${shared}${programs[name]}`]
}
