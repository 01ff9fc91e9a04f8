/**
 * The script that completes commands in bash. The library's one needs the
 * package bash-completion, runs what is typed (`eval`), doubles what stands
 * before a colon in an id, and completes no `--state=`.
 *
 * @param name The program's name.
 */
export function bashScript(name: string): string {
  const fn = `_${name.replaceAll(/\W/g, "_")}`;
  return `# bash completion for ${name}

${fn}() {
    COMPREPLY=()
    # bash takes words apart at ":" and "=", which are parts of ours: what stands together belongs together.
    local words=() rest=$COMP_LINE word i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=\${COMP_WORDS[i]}
        if [[ $i == 0 || $rest == [[:space:]]* ]]; then words+=(""); fi
        rest=\${rest#"\${rest%%[![:space:]]*}"}
        words[\${#words[@]} - 1]+=$word
        rest=\${rest#"$word"}
    done
    # What stands behind the cursor does not count.
    local last=$((\${#words[@]} - 1)) behind=$((\${#COMP_LINE} - \${#rest} - COMP_POINT))
    if ((behind > 0)); then words[last]=\${words[last]:0:\${#words[last]} - behind}; fi

    local out line cur=\${words[last]}
    out=$(${name} complete -- "\${words[@]:1}" 2>/dev/null) || return
    # The last line says what else to do: 1 nothing, 2 no space, 4 no files.
    local todo=\${out##*:}
    if ((todo & 1)); then return; fi
    if ((todo & 2)); then compopt -o nospace; fi
    if ((todo & 4)); then compopt +o default; fi

    # What readline replaces begins behind the last character at which it breaks words.
    local keep=""
    if [[ $cur == -*=* ]]; then
        if [[ $COMP_WORDBREAKS != *=* ]]; then keep=\${cur%%=*}=; fi
        cur=\${cur#*=}
    fi
    local before=""
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then before=\${cur%"\${cur##*:}"} keep=""; fi
    while IFS= read -r line; do
        line=\${line%%$'\\t'*}
        if [[ $line != :* && $line == "$cur"* ]]; then COMPREPLY+=("$keep\${line#"$before"}"); fi
    done <<< "$out"
}

complete -o default -F ${fn} ${name}
`;
}
