#!/bin/sh
# Resolve and install what one service needs, in the versions of the one lock. Run in the root of the workspace.
#   install-member.sh lock SERVICE LOCK PYTHON       write the service's part of requirements.lock to LOCK
#   install-member.sh install SERVICE LOCK PYTHON    install LOCK and the members themselves
# UV: the uv to use.
set -eu
step=$1 service=$2 lock=$3 python=$4
uv=${UV:-uv}
libs='libs/events libs/runtime'
for lib in reactions rules values; do
    if grep -q "\"patron-$lib\"" "services/$service/pyproject.toml"; then libs="$libs libs/$lib"; fi
done
case $step in
lock)
    # shellcheck disable=SC2086 # a list of words
    printf -- '-e %s\n' $libs "services/$service" |
        "$uv" pip compile - --constraints requirements.lock --python "$python" --generate-hashes \
            --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet --output-file "$lock" \
            --no-emit-package patron-events --no-emit-package patron-reactions --no-emit-package patron-rules \
            --no-emit-package patron-runtime --no-emit-package patron-values \
            --no-emit-package "patron-$service" \
            >/dev/null
    ;;
install)
    "$uv" pip install --python "$python" --no-deps --require-hashes --requirement "$lock"
    # The build backend has the version of the lock and stays out of the environment.
    # shellcheck disable=SC2086 # a list of words
    "$uv" pip install --python "$python" --no-deps --build-constraints requirements.lock \
        $(printf './%s ' $libs "services/$service")
    ;;
*)
    echo "unknown step: $step" >&2
    exit 2
    ;;
esac
