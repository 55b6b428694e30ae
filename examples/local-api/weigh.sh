#!/bin/sh
# sh weigh.sh SOCKET ARTICLE GRAMS: starts a weighing, ends it from outside, prints what came of it.
set -eu
socket=$1 article=$2 grams=$3
ticket=$(mktemp -u)

api() {
  curl -sS --fail-with-body --unix-socket "$socket" -H 'content-type: application/json' "$@"
  echo
}

# An id makes it safe to ask again: one id is one run.
api http://agent/v1/runs -d "{
  \"workflow\": \"weighing\", \"id\": \"weigh-$article\",
  \"input\": {\"article\": \"$article\", \"ticket\": \"$ticket\"}
}"
while [ ! -s "$ticket" ]; do sleep 0.1; done
api http://agent/v1/complete -d "{\"token\": \"$(cat "$ticket")\", \"result\": $grams}"
rm "$ticket"
api http://agent/v1/events -d "{\"name\": \"scale.used\", \"payload\": {\"grams\": $grams}, \"lane\": \"bulk\"}"
api "http://agent/v1/wait?run=weigh-$article&timeoutMs=60000"
