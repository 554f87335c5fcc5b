// `web.js serve PORT DIR`, or `web.js get BASE DIR NAME...`: fetches each several times at once and compares.
'use strict';
const http = require('http'), fs = require('fs'), path = require('path');
const [, , what, where, dir, ...names] = process.argv;

function get(url) {
  return new Promise((done, fail) => http.get(url, (r) => {
    const parts = [];
    r.on('data', (d) => parts.push(d));
    r.on('end', () => done(Buffer.concat(parts)));
    r.on('error', fail);
  }).on('error', fail));
}

async function check(name) {
  const want = fs.readFileSync(path.join(dir, name));
  const all = await Promise.all([1, 2, 3, 4].map(() => get(where + name)));
  for (const got of all)
    if (!got.equals(want)) throw new Error(`${name}: ${got.length} bytes that differ from the ${want.length} there should be`);
}

if (what === 'serve')
  http.createServer((q, r) => fs.createReadStream(path.join(dir, path.basename(q.url))).on('error', () => {
    r.statusCode = 404;
    r.end();
  }).pipe(r)).listen(+where);
else
  (async () => { for (const n of names) await check(n); })().catch((e) => { console.error(e); process.exit(1); });
