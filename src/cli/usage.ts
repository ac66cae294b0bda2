/** What the command line understands, in words; and what it says when it does not. */
import { EspalierError } from '../errors.js';

export const usage = `Usage: espalier <command> [options]

Supervision trees for XState, a local Gemini server, and pictures of machines.

Commands
  demo            hold a supervised conversation, and draw the tree as it lives
  gemini-server   serve Gemini on this machine, from scripts or recordings
  draw            draw a machine of yours as SVG, Mermaid or DOT
  run             run an app of yours until it is told to stop, and go on after a crash where it was
  inspect         run an app of yours with the inspector, and print where to look
  tree            print the tree of an app that is inspected, or of a recording
  watch           print what happens in an app that is inspected
  replay          print a recording at a moment, or run it through your machines

Options
  --help          show this text, or that of a command
  --version       show the version

Exit codes: 0 all went well · 1 something went wrong · 2 the command line or a file it names is wrong
            130 after Ctrl-C, 143 after SIGTERM: the tree was stopped in order (a second Ctrl-C does not wait for it); of run, that is 0
`;

export const demoUsage = `Usage: espalier demo [options]          in a clone: npm start -- [options]

Starts a tree with a local Gemini server, a Live session with tools and a worker, and holds a conversation on it: two tools run in parallel, one
throws and is answered, one is cancelled, the worker crashes and is restarted. Ends with the exit report. Needs no key and no network.

With --agents: twelve agents, three of them faulty, elect a coordinator, auction tasks, vote, lose the leader and finish under the next, on a clock of
their own: the same seed prints the same lines.

Options
  --agents          the demo of agents; in a clone: npm run demo:agents
  --seed N          with --agents: who comes when, who is faulty, what each can and likes (default: 1)
  --replay FILE     play a recorded Live session instead: a log (*.websocket.log) or a cassette (YAML; needs the package yaml)
  --live            talk to Gemini itself; needs GEMINI_API_KEY
  --model NAME      with --live: the model (default: gemini-3.1-flash-live-preview)
  --base-url URL    with --live: another server that speaks Gemini Live, as 'espalier gemini-server'
  --inspect         open it to be looked at in a browser: it begins when somebody looks, and stays until Ctrl-C
  --json            one JSON object a line: facts, trees, the exit report
  --no-color        no colours; NO_COLOR does the same
  --help            show this text

On a terminal the tree is redrawn in place; otherwise it is printed where it changed, one line for each event.
`;

export const geminiServerUsage = `Usage: espalier gemini-server [options]

Serves Gemini on 127.0.0.1 until Ctrl-C (Live over WebSocket; generateContent, streamed and whole, and Interactions over HTTP), to every client that
comes, and prints what clients send. Any API key is let in, and so are the ephemeral tokens that POST /v1alpha/auth_tokens makes.

Options
  --port N          port (default: one that is free)
  --script FILE     JSON: a list of steps, as geminiServer() of 'espalier/testing' takes it
  --replay FILE     a recorded Live session: a log (*.websocket.log), a cassette (YAML; needs the package yaml) or chunks (one JSON object a line)
  --http FILE       what requests over HTTP are answered: a list of rules (JSON), as geminiServer() takes it as http, or a recorded answer
  --tls-cert FILE   with --tls-key: serve wss: with this certificate, in PEM
  --tls-key FILE    its private key, in PEM
  --json            one JSON object a line
  --no-color        no colours; NO_COLOR does the same
  --help            show this text

Every connection gets the script or the recording from its start; one that says where the next connection comes (accept, refuse, a recorded resume) is
played once. Without one it is the server's part of 'espalier demo --live --base-url http://127.0.0.1:PORT'.
`;

export const drawUsage = `Usage: espalier draw MODULE[#export] [options]

Draws a machine of XState 5 that a module exports: its states, transitions, guards, delays and actors. Without #export the module's only one.

  espalier draw ./src/checkout.js#checkoutMachine --out checkout.svg
  espalier draw espalier/machines#sessionMachine --format mermaid

MODULE is a file (.js, .mjs, .cjs; .ts where this Node strips types, as 22.18 and newer do; .json with the configuration of a machine) or a package. It is
loaded, so what it does when it is imported, it does; what it prints meanwhile goes to the error output. An export may be a machine, an actor that runs
one, or, where it is named, a function without parameters that makes one.

Options
  --format FORMAT   svg (default; needs the package elkjs), mermaid or dot; without it the ending of --out says it
  --direction WAY   of an SVG: where arrows run to, down (default) or right
  --out FILE        write there; else the picture is printed
  --json            one JSON object: the machine as data, and the picture
  --help            show this text
`;

export const inspectUsage = `Usage: espalier inspect MODULE [options]

Runs an app and opens it to be looked at in a browser, on 127.0.0.1, until Ctrl-C. The address that is printed lets in who has it: keep it to yourself.

  espalier inspect ./dist/app.js

MODULE is loaded and exports as \`app\`, or by default, what runs: an app (what orchestrator(…).start() returns), an actor, an orchestrator that has not
started, or a function that returns one of these. What it prints goes to the error output. An app that crashes, or gives up: exit code 1. Where
no inspector can listen, the app is stopped: exit code 1.

Options
  --port N          port (default: 4747, or the next that is free)
  --control         those who look may send events, and stop, kill and restart supervised actors
  --origin ORIGIN   a page that may connect beside the inspector's own, as https://stately.ai
  --json            one JSON object a line
  --no-color        no colours; NO_COLOR does the same
  --help            show this text

It shows a running app elsewhere, too: 'espalier tree' and 'espalier watch' take the address that inspect() of 'espalier/inspector' gave there.
`;

const sources = `URL is the address that the inspector has printed, with its token: 'http://127.0.0.1:4747/#token=…' (in quotes: a shell takes # for a comment).`;

export const treeUsage = `Usage: espalier tree URL|FILE [options]

Prints the tree as it is now, or as it was at the end of a recording: states, restarts of the budget.

${sources}

Options
  --actor PATH      one actor: its state, context, next events, timers, restarts with their reasons; app/pool/db is the run that lives, or
                    the last one, app/pool/db#3 exactly that one
  --json            JSON: every actor, or the one, with its state, context, timers, restarts
  --no-color        no colours; NO_COLOR does the same
  --help            show this text
`;

export const watchUsage = `Usage: espalier watch URL [options]

Prints what happens, until Ctrl-C or the end of the app.

${sources}

Options
  --branch PATH     only this actor and those below it
  --messages        also each message, as it is sent: to whom, what, from whom
  --json            the lines of a recording: 'espalier watch URL --json > run.ndjson' can be replayed
  --no-color        no colours; NO_COLOR does the same
  --help            show this text

On a terminal the tree is redrawn in place; otherwise it is printed where it changed, one line for each event.
`;

export const replayUsage = `Usage: espalier replay FILE [options]

Prints the tree of a recording at a moment; or one actor of it, or what was said. With machines, runs what was recorded through them, and names the first
difference: exit code 1.

  espalier replay run.ndjson --at 120 --actor app/pool/lamp
  espalier replay run.ndjson --export trace --out trace.json

Options
  --at N            after the line with this number (\`seq\`; default: the last)
  --actor PATH      one actor: its state, context, next events, timers, restarts with their reasons; of a sequence: it and those below it
  --sequence        what was said by whom to whom, with causes; starts, ends and restarts with their reasons; letters to the dead
  --export KIND     another form: trace (Chrome, Perfetto), otel (OTLP, JSON), mermaid or svg (the sequence), ndjson (the recording up to --at);
                    with --actor: chart-svg (states lit as at that moment; needs the package elkjs), chart-mermaid, chart-dot
  --out FILE        of an export: write there; else it is printed
  --machines MODULE the machines that it exports, by their ids; Espalier's own are known. Actors of others are named and left out; exit code 1 where
                    only Espalier's own were replayed
  --json            JSON: the scene or the actor at that moment; the rows of the sequence, one a line; the outcome of the replay (ok: the exit code
                    is 0; isIdle: only Espalier's own were replayed, or nothing)
  --no-color        no colours; NO_COLOR does the same
  --help            show this text
`;

/** A command line that is not understood. */
export function usageError(expected: string, got: unknown): EspalierError {
  return new EspalierError('cli/usage', { expected, got });
}
