# Sourced by deploy/up and deploy/test: sets $python to an interpreter of 3.11 or newer, or stops with code 2.
# shellcheck shell=bash

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
makes_venvs() { "$1" -c 'import ensurepip' 2>/dev/null; }

find_python() {
    local candidates=(/usr/bin/python3 python3 python3.13 python3.12 python3.11) candidate
    python=
    # Root takes the system's own: an interpreter below root's home cannot be run by the user that the children run as,
    # and what it lacks for virtual environments can be installed.
    if [ "$(id -u)" = 0 ] && new_enough /usr/bin/python3; then
        python=/usr/bin/python3
        return
    fi
    for candidate in "${candidates[@]}"; do
        if new_enough "$candidate" && makes_venvs "$candidate"; then
            python=$candidate
            return
        fi
    done
    for candidate in "${candidates[@]}"; do
        if new_enough "$candidate"; then
            python=$candidate
            return
        fi
    done
}

install_python() {
    local as_root=()
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    echo "installing Python …"
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3 python3-venv >/dev/null 2>&1; then
        "${as_root[@]}" apt-get update -qq &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3 python3-venv >/dev/null
    fi
}

find_python
if [ -z "$python" ]; then
    install_python || true
    find_python
fi
if [ -z "$python" ]; then
    echo "Python 3.11 or newer is needed and was not found. On Debian 12 or Ubuntu 24.04, as root:" >&2
    echo "  apt-get install --no-install-recommends python3 python3-venv" >&2
    exit 2
fi
