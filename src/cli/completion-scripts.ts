/** Each asks `berth __complete` for what may stand at the cursor. */
export const completionScripts = {
  bash: `# berth completion for bash (also the 3.2 of macOS): source <(berth completion bash)
_berth() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" line
  local -a words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ":files" ]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
    else
      COMPREPLY+=("$(printf '%q' "\${line%%$'\\t'*}")")
    fi
  done < <(berth __complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _berth berth
`,
  zsh: `#compdef berth
# berth completion for zsh: source <(berth completion zsh), after compinit
_berth() {
  local line value description
  local -a found
  while IFS= read -r line; do
    if [[ "$line" == ":files" ]]; then
      _files
      return
    fi
    value="\${line%%$'\\t'*}"
    description="\${line#*$'\\t'}"
    [[ "$line" == *$'\\t'* ]] || description=""
    found+=("\${value//:/\\\\:}\${description:+:$description}")
  done < <(berth __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#found} )) && _describe 'berth' found
}
if [[ "\${funcstack[1]}" == "_berth" ]]; then _berth "$@"; else compdef _berth berth; fi
`,
  fish: `# berth completion for fish: berth completion fish | source
function __berth_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found (berth __complete -- $words[2..-1] "$current" 2>/dev/null)
    if test "$found" = ":files"
        __fish_complete_path "$current"
    else
        printf '%s\\n' $found
    end
end
complete -c berth -f -a '(__berth_complete)'
`,
} as const;
