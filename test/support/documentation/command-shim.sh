#!/usr/bin/env bash
# Stands in the PATH for npm, npx and aws: runs what can be run here, passes over what the test lists, and
# refuses the rest.
command="${0##*/} $*"
while IFS=$'\t' read -r listed instead; do
  if [ "$command" = "$listed" ]; then
    printf '%s\n' "$command" >> "$DOCUMENTATION_NOT_RUN"
    eval "$instead"
    exit
  fi
done < "$DOCUMENTATION_EXCEPTIONS"
case "$command" in
  "npm run -s kore-sessions -- "*)
    shift 4
    exec node cli/main.js "$@"
    ;;
  "npm run demo") exec node demo/run.ts ;;
esac
printf '%s\n' "$command: this is neither run here nor listed as an exception" >&2
exit 97
