# SPDX-License-Identifier: MIT
# complete.bash COMPLETION LINE: what bash would offer at the end of a line, one a line.
# shellcheck source=/dev/null
source "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=()
# As bash takes a line apart: = and : are words of their own.
rest=$COMP_LINE
while [[ $rest != "" ]]; do
  if [[ $rest =~ ^[[:space:]]+ ]]; then
    rest=${rest:${#BASH_REMATCH[0]}}
    [[ $rest == "" ]] && COMP_WORDS+=("")
  elif [[ $rest =~ ^([=:]+|[^=:[:space:]]+) ]]; then
    COMP_WORDS+=("${BASH_REMATCH[0]}")
    rest=${rest:${#BASH_REMATCH[0]}}
  fi
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_sillage
printf '%s\n' "${COMPREPLY[@]}"
