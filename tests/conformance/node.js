// SPDX-License-Identifier: MIT
// worker_threads, then an HTTP server with twenty clients, then a child process.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const http = require('http');
const { exec } = require('child_process');

function work() {
	let s = 0;
	for (let i = 0; i < 1e6; i++) s += i % workerData;
	parentPort.postMessage(s);
}

function main() {
	let ended = 0, sum = 0;
	for (let i = 1; i <= 4; i++) {
		const worker = new Worker(__filename, { workerData: i });
		worker.on('message', (s) => { sum += s; });
		worker.on('exit', () => {
			if (++ended == 4) {
				console.log('workers', sum);
				serve();
			}
		});
	}
}

function serve() {
	const server = http.createServer((q, r) => r.end('hello ' + q.url));
	let answers = 0;
	server.listen(0, '127.0.0.1', () => {
		for (let i = 0; i < 20; i++) {
			http.get({ host: '127.0.0.1', port: server.address().port, path: '/' + i }, (r) => {
				let text = '';
				r.on('data', (d) => { text += d; });
				r.on('end', () => {
					if (text != 'hello /' + i) console.log('wrong', text);
					if (++answers == 20) {
						console.log('served', answers);
						server.close();
						exec('echo child; exit 3', (e, out) => {
							console.log(out.trim(), e.code);
							process.exitCode = 5;
						});
					}
				});
			});
		}
	});
}

if (isMainThread) main(); else work();
