# Shared by the scripts beside it: how they speak, and where a fit PostgreSQL is.

say() { printf '%s\n' "$@"; }
die() { printf '%s\n' "$@" >&2; exit 1; }

python_bin() { # the first Python that is new enough
  local name
  for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$name"; return; }
  done
  die "没有找到 Python 3.11 或更新的版本。请安装 python3，或用 PYTHON=路径 指明。" \
      "No Python 3.11 or newer was found. Install python3, or name one with PYTHON=path."
}

postgres_bin() { # postgres_bin [MAJOR]: the folder of a server >= 15 (or exactly MAJOR) that has PostGIS >= 3.3
  local dir dirs version share postgis
  IFS=: read -ra dirs <<<"$PATH"
  for dir in "${dirs[@]}" $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort -rV); do
    [ -x "$dir/postgres" ] || continue
    dir=$(dirname "$(readlink -f "$dir/postgres")")
    [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && [ -x "$dir/psql" ] || continue
    version=$("$dir/postgres" -V) && version=${version#*) } && version=${version%%[!0-9]*}
    [ "${version:-0}" -ge 15 ] && { [ -z "${1:-}" ] || [ "$version" = "$1" ]; } || continue
    share=$("$dir/pg_config" --sharedir 2>/dev/null) || share=/usr/share/postgresql/$version
    postgis=$(sed -n "s/^default_version = '\([0-9.]*\).*/\1/p" "$share/extension/postgis.control" 2>/dev/null) || continue
    [ "$(printf '%s\n3.3\n' "$postgis" | sort -V | head -n 1)" = 3.3 ] && { say "$dir"; return; }
  done
  return 1
}
