// Janus's JSON API over HTTP, as far as the gateway needs it.
'use strict';

const http = require('node:http');

const agent = new http.Agent({keepAlive: true, maxSockets: 64});

function request(method, url, body) {
    return new Promise((resolve, reject) => {
        const call = http.request(url, {method, agent, headers: {'content-type': 'application/json'}});
        call.on('response', (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (chunk) => (text += chunk));
            response.on('end', () => {
                try {
                    resolve(JSON.parse(text));
                } catch (error) {
                    reject(error);
                }
            });
        });
        call.on('error', reject);
        call.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

// One Janus session for all, with a handle for each participant.
class Janus {
    #url;
    #session;
    #waiting = new Map(); // transaction -> {resolve, reject}
    #transactions = 0;

    constructor(url) {
        this.#url = url;
    }

    async open() {
        this.#session = (await this.#post('', {janus: 'create'})).data.id;
        this.#poll();
    }

    async #post(path, body) {
        const transaction = `t${++this.#transactions}`;
        const answer = await request('POST', `${this.#url}${path}`, {...body, transaction});
        if (answer.janus === 'error') {
            throw new Error(answer.error.reason);
        }
        return answer;
    }

    async attach(plugin) {
        const answer = await this.#post(`/${this.#session}`, {janus: 'attach', plugin: `janus.plugin.${plugin}`});
        return answer.data.id;
    }

    // What the plugin says to `body`, at once or as an event.
    async message(handle, body, jsep) {
        const transaction = `m${++this.#transactions}`;
        const event = new Promise((resolve, reject) => this.#waiting.set(transaction, {resolve, reject}));
        const answer = await request('POST', `${this.#url}/${this.#session}/${handle}`,
            {janus: 'message', transaction, body, ...(jsep && {jsep})});
        if (answer.janus !== 'ack') {
            this.#settle(transaction, answer);
        }
        return event;
    }

    async detach(handle) {
        await this.#post(`/${this.#session}/${handle}`, {janus: 'detach'});
    }

    #settle(transaction, answer) {
        const waiting = this.#waiting.get(transaction);
        if (!waiting) {
            return;
        }
        this.#waiting.delete(transaction);
        const problem = answer.error?.reason ?? answer.plugindata?.data?.error;
        if (problem) {
            waiting.reject(new Error(problem));
        } else {
            waiting.resolve({data: answer.plugindata.data, jsep: answer.jsep});
        }
    }

    async #poll() {
        for (;;) {
            try {
                const events = await request('GET', `${this.#url}/${this.#session}?maxev=50&rid=${Date.now()}`);
                for (const event of Array.isArray(events) ? events : [events]) {
                    this.#settle(event.transaction, event);
                }
            } catch (error) {
                console.error(`janus: ${error.message}`);
                process.exit(1);
            }
        }
    }
}

module.exports = {Janus};
