#!/bin/bash
echo "entrypoint: starting $*"
"$@"
status=$?
echo "entrypoint: $1 exited with status $status"
exit $status
