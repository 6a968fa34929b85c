/**
 * @file Scripts that let a shell complete the program's commands and options. Each walks the words typed so far to the
 * deepest command they name and offers what that command takes; values are left to the shell's own completion of files.
 */
import { allCommands, type CommandFacts } from './commandTree.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, root: CommandFacts): string {
  return { bash, zsh, fish }[shell](root);
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
/** What `case` compares with "path word" to go one command deeper. */
const deeper = (root: CommandFacts): string[] =>
  allCommands(root)
    .slice(1)
    .map(({ path }) => path);
const longNames = ({ options }: CommandFacts): string[] => options.map(({ long }) => long);

function bash(root: CommandFacts): string {
  const cases = allCommands(root).map(
    (command) =>
      `    ${quote(command.path)}) commands=${quote(command.commands.map(({ name }) => name).join(' '))} options=${quote(longNames(command).join(' '))} ;;`,
  );
  return `# bash completion of ${root.name}: source <(${root.name} completion bash)
_${root.name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path=${quote(root.name)} commands options i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
      ${deeper(root).map(quote).join('|')}) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$commands" -- "$current"))
  fi
}
complete -o default -F _${root.name} ${root.name}
`;
}

function zsh(root: CommandFacts): string {
  const described = (entries: readonly { name: string; description: string }[]): string =>
    entries.map(({ name, description }) => quote(`${name.replaceAll(':', '\\:')}:${description}`)).join(' ');
  const cases = allCommands(root).map(
    ({ path, commands, options }) =>
      `    ${quote(path)}) commands=(${described(commands)}) options=(${described(options.map(({ long, description }) => ({ name: long, description })))}) ;;`,
  );
  return `#compdef ${root.name}
# zsh completion of ${root.name}: ${root.name} completion zsh > "\${fpath[1]}/_${root.name}"
_${root.name}() {
  local -a commands options
  local at=${quote(root.name)} i
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      ${deeper(root).map(quote).join('|')}) at="$at \${words[i]}" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    _describe option options
  elif (( \${#commands} )); then
    _describe command commands
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_${root.name}" ]; then _${root.name} "$@"; else compdef _${root.name} ${root.name}; fi
`;
}

function fish(root: CommandFacts): string {
  const lines = allCommands(root).flatMap(({ path, commands, options }) => {
    const when = `-n ${quote(`test (__${root.name}_at) = "${path}"`)}`;
    const head = `complete -c ${root.name} ${when}`;
    return [
      ...commands.map(({ name, description }) => `${head} -f -a ${name} -d ${quote(description)}`),
      ...options.map(
        ({ long, takesValue, description }) =>
          `${head} -l ${long.slice(2)}${takesValue ? ' -r' : ''} -d ${quote(description)}`,
      ),
    ];
  });
  return `# fish completion of ${root.name}: ${root.name} completion fish > ~/.config/fish/completions/${root.name}.fish
function __${root.name}_at
  set -l at ${root.name}
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${deeper(root).map(quote).join(' ')}
        set at "$at $word"
    end
  end
  echo $at
end
${lines.join('\n')}
`;
}
