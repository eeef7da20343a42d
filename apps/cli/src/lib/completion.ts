import type { Command } from 'commander';

/** A command, with what may follow its name. */
type Node = {
  /** Names from the root's on: `umbra keys create`. */
  readonly path: string;
  readonly commands: readonly Named[];
  readonly options: readonly Named[];
};
type Named = { readonly name: string; readonly about: string };

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A shell's completion of every command and option. */
export function formatCompletion(program: Command, shell: Shell): string {
  const nodes = listNodes(program, program.name());
  if (shell === 'fish') return formatFish(program.name(), nodes);
  return shell === 'zsh' ? `${zshPrelude}${formatBash(nodes)}` : formatBash(nodes);
}

function listNodes(command: Command, path: string): Node[] {
  const shown = command.createHelp();
  const commands = shown.visibleCommands(command).filter((one) => one.name() !== 'help');
  const options = shown.visibleOptions(command).map(({ long, description }) => ({
    name: long ?? '',
    about: description,
  }));
  const own = { path, options, commands: commands.map(named) };
  return [own, ...commands.flatMap((one) => listNodes(one, `${path} ${one.name()}`))];
}

const named = (command: Command): Named => ({ name: command.name(), about: command.summary() });
const wordsOf = (list: readonly Named[]): string => list.map(({ name }) => name).join(' ');

/** zsh takes the functions of bash. */
const zshPrelude = 'autoload -Uz bashcompinit && bashcompinit\n';

/** Walks the words before the cursor as far as they name commands; files complete what is no option. */
const formatBash = (nodes: readonly Node[]): string => `_umbra() {
  local word path=umbra commands options cursor="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${nodes
  .slice(1)
  .map(({ path }) => `      '${path}') path='${path}' ;;`)
  .join('\n')}
    esac
  done
  case "$path" in
${nodes
  .map(
    ({ path, commands, options }) =>
      `    '${path}') commands='${wordsOf(commands)}' options='${wordsOf(options)}' ;;`,
  )
  .join('\n')}
  esac
  if [[ $cursor == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cursor"))
  elif [[ -n $commands ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$cursor"))
  else
    COMPREPLY=($(compgen -f -- "$cursor"))
  fi
}
complete -o filenames -F _umbra umbra
`;

/** In fish a condition tells where the cursor is. */
function formatFish(name: string, nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, commands, options }) => {
    const at = `-n '__umbra_at ${path.split(' ').slice(1).join(' ')}'`;
    return [
      ...commands.map(
        (one) => `complete -c ${name} -f ${at} -a ${one.name} -d ${quote(one.about)}`,
      ),
      ...options.map(
        (one) => `complete -c ${name} ${at} -l ${one.name.slice(2)} -d ${quote(one.about)}`,
      ),
    ];
  });
  return `function __umbra_at
  set -l words (commandline -opc)
  set -e words[1]
  set -l named (string match -v -- '-*' $words)
  test (count $argv) -eq 0; and begin
    test (count $named) -eq 0
    return
  end
  test (string join ' ' $named[1..(count $argv)]) = (string join ' ' $argv)
end
${lines.join('\n')}
`;
}

const quote = (text: string): string => `'${text.replaceAll(/[\\']/g, (char) => `\\${char}`)}'`;
