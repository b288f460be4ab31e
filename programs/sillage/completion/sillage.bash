# SPDX-License-Identifier: MIT
# Completion of sillage's command line for bash. What there is it asks sillage itself, which is not to start a daemon for it.

_sillage_verbs() {
  { "$1" --help; "$1" help; } 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' | sort -u
}

_sillage_options() {
  "$1" "$2" --help 2>/dev/null | grep -oE -- '(^|[ ,])--[a-z][a-z0-9-]*' | tr -d ' ,' | sort -u
}

# The texts of an element in the machine interface's answer to a verb: COMMAND ELEMENT VERB...
_sillage_names() {
  local command=$1 element=$2
  shift 2
  "$command" -n --mi=xml "$@" 2>/dev/null | grep -oE "<$element><name>[^<]*" | sed "s/.*>//; s/&lt;/</g; s/&gt;/>/g; s/&quot;/\"/g; s/&amp;/\\&/g" | sort -u
}

# The session that the line is about: its --session, else "".
_sillage_line_session() {
  local at
  for ((at = 1; at < COMP_CWORD; ++at)); do
    case ${COMP_WORDS[at]} in
      -s | --session) echo "${COMP_WORDS[at + 1]}" ;;
    esac
  done
}

_sillage_candidates() {
  local command=$1 verb=$2 previous=$3 word=$4 domain=$5 session
  if [[ $verb == "" ]]; then
    _sillage_verbs "$command"
    return
  fi
  case $previous in
    -s | --session) _sillage_names "$command" session list; return ;;
    -c | --channel)
      session=$(_sillage_line_session)
      if [[ $session == "" ]]; then
        _sillage_names "$command" channel status
      else
        _sillage_names "$command" channel list "$session"
      fi
      return ;;
    -t | --type | --context)
      if [[ $verb == add-context || $verb == record ]]; then
        "$command" -n add-context --list 2>/dev/null
        return
      fi ;;
  esac
  if [[ $word == -* ]]; then
    _sillage_options "$command" "$verb"
    return
  fi
  case $verb in
    destroy | set-session | start | stop | list | why-empty | save | view | rotate | clear)
      _sillage_names "$command" session list ;;
    enable-event | disable-event)
      case $domain in
        kernel)
          _sillage_names "$command" event list --kernel
          _sillage_names "$command" event list --kernel --syscall ;;
        user) _sillage_names "$command" event list --userspace ;;
      esac ;;
    disable-channel) _sillage_names "$command" channel status ;;
    help) _sillage_verbs "$command" ;;
  esac
}

_sillage() {
  local command=${COMP_WORDS[0]} verb="" domain="" at
  # The last word as typed, and what bash has of it: colons and equals signs end words for bash.
  local word=${COMP_LINE:0:COMP_POINT}
  word=${word##*[[:space:]]}
  for ((at = 1; at < COMP_CWORD; ++at)); do
    case ${COMP_WORDS[at]} in
      -k | --kernel) domain=kernel ;;
      -u | --userspace) domain=user ;;
      -*) ;;
      *) [[ $verb == "" ]] && verb=${COMP_WORDS[at]} ;;
    esac
  done
  local previous=${COMP_WORDS[COMP_CWORD - 1]} prefix="" shown
  if [[ $word == --*=* ]]; then
    previous=${word%%=*}
    prefix=${word%%=*}=
    word=${word#*=}
  fi
  # Lists of events and channels: the last of them is completed.
  if [[ $word == *,* ]]; then
    prefix+=${word%,*},
    word=${word##*,}
  fi
  # bash replaces only what stands behind the last character that ends words.
  local typed=$prefix$word hidden=""
  if [[ $typed == *[=:]* && $COMP_WORDBREAKS == *[=:]* ]]; then hidden=${typed%"${typed##*[=:]}"}; fi
  COMPREPLY=()
  while IFS= read -r shown; do
    [[ $shown == "$word"* ]] && COMPREPLY+=("${prefix}${shown}")
  done < <(_sillage_candidates "$command" "$verb" "$previous" "$word" "$domain")
  COMPREPLY=("${COMPREPLY[@]#"$hidden"}")
  if ((${#COMPREPLY[@]} == 0)); then compopt -o default 2>/dev/null; fi
  return 0
}

complete -F _sillage sillage
