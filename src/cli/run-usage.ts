/** What `espalier run` understands, in words. */
export const runUsage = `Usage: espalier run MODULE[#export] [options]

Runs an application, or a tree, until it ends or is told to: SIGTERM or Ctrl-C stops it in order, each service flushed; a second one does not wait.

  espalier run ./dist/app.js --store app.db

MODULE is loaded, and exports as \`app\`, by default, or as #export, what runs: an application (what application(…) returns), an orchestrator that has
not started, or a function that returns one. What it prints goes to the error output.

With --store the tree is saved as it changes, while it is well: run again after a crash, even a kill -9, each service goes on where it was saved last,
under the plan of the code that runs now. A service of another machine is refused, by name. Events to actors that had ended are kept there too, as dead letters.

Options
  --store FILE          the event store: one file, made where there is none
  --snapshot-every MS   how often the tree is saved at most (default: 1000); the last time as it is told to stop
  --version TEXT        your own word for what a chart does not show, as the form of its context: another one is refused as other machines are
  --fresh               forget the saved tree, and begin anew
  --letters             print the dead letters of --store that nobody has dealt with, and end; without MODULE
  --grace MS            how long an orderly end may take (default: 30000); what runs then is killed
  --json                one JSON object a line: facts, saves, the end
  --no-color            no colours; NO_COLOR does the same
  --help                show this text

Exit codes: 0 it ended in order, by itself or because it was told to · 1 it failed, or somebody had to be killed · 2 the command line is wrong
            130, 143 after a second Ctrl-C or SIGTERM
`;
