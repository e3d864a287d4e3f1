// Connectors made for a test: a package whose program is a few lines of JavaScript.
import fs from 'node:fs';
import path from 'node:path';

// `script` runs when it is connected. In it: on(method, answer), call(method, params, then), send(message),
// log(text), socket. Returns the package's name.
export function writeConnector(directory, name, { permissions = {}, script }) {
  const folder = path.join(directory, name);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify({
    name, version: '1', contract: 1, program: 'run', configuration: {}, permissions,
  }));
  fs.writeFileSync(path.join(folder, 'run'), `#!${process.execPath}
import net from 'node:net';
const socket = net.connect(process.env.ISTHMUS_AGENT_SOCKET);
const handlers = { status: () => ({ health: 'operational', detail: '' }) };
const waiting = new Map();
let last = 0;
let received = '';
const send = (message) => socket.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const on = (method, handler) => (handlers[method] = handler);
const log = (message) => send({ method: 'log', params: { level: 'info', message } });
function call(method, params, then = () => {}) {
  waiting.set(++last, then);
  send({ id: last, method, params });
}
function take(message) {
  if (message.method) {
    send({ id: message.id, result: handlers[message.method]?.(message.params) ?? {} });
  } else {
    waiting.get(message.id)?.(JSON.stringify(message.result ?? message.error));
  }
}
socket.on('data', (bytes) => {
  const lines = (received + bytes).split('\\n');
  received = lines.pop();
  lines.forEach((line) => take(JSON.parse(line)));
});
socket.on('close', () => process.exit());
${script}
call('hello', { token: process.env.ISTHMUS_CONNECTOR_TOKEN, name: '${name}', version: '1', contract: 1 });
`, { mode: 0o755 });
  return name;
}
