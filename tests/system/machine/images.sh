#!/usr/bin/env bash
# Makes local stand-ins for the images that the Dockerfile and the compose file name, in the engine at DOCKER_HOST, where
# no image registry can be reached. They carry the same names, so that both files are tested as they are.
#   python:3.11-slim-bookworm          Debian's Python 3.11, nothing else
#   apache/kafka                       the same release, its jars resolved by Maven, on Debian's Java 17
#   prom/prometheus, prom/alertmanager Debian's packages
# Grafana is in no package registry and has no stand-in. Two minutes the first time, seconds afterwards.
set -eu -o pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
. "$HERE/cache.sh"
docker() { DOCKER_BUILDKIT=1 /usr/bin/docker "$@"; }

bootstrap() { # <packages> <hook> <tar>
  mmdebstrap --quiet --format=tar --variant=minbase --mode=root --components=main --include="ca-certificates,$1" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --essential-hook='mkdir -p "$1/usr/share/man/man1"' \
    --customize-hook="$2" \
    `# the machine's authorities: it may reach package registries through a proxy with one of its own` \
    --customize-hook='copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs' \
    bookworm "$3"
}

python_base() {
  bootstrap python3,python3-venv,python3-pip \
    'for name in python3 pip3; do for link in $name ${name%3}; do ln -sf /usr/bin/$name "$1/usr/local/bin/$link"; done; done' \
    "$1"
}

services_base() {
  bootstrap openjdk-17-jre-headless,prometheus,prometheus-alertmanager,wget \
    'chroot "$1" useradd --uid 1000 --user-group --no-create-home appuser && ln -s prometheus-alertmanager "$1/usr/bin/alertmanager"' \
    "$1"
}

jars() {
  mvn -q -B -f "$ROOT/deploy/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$1" >&2
}

import() { # <tar> <image>: again only when the tar is another one
  local sum
  sum=$(stat -c %s-%Y "$1")
  [ "$(docker image inspect -f '{{index .Config.Labels "made-from"}}' "$2" 2> /dev/null)" = "$sum" ] ||
    docker import -c "LABEL made-from=$sum" -c 'CMD ["bash"]' "$1" "$2" > /dev/null
}

version() { sed -n "s|.*image: .*$1:\([^}]*\).*|\1|p" "$ROOT/docker-compose.yml" | head -1; }

make_once "$CACHE/python-bookworm.tar" python_base
make_once "$CACHE/services-bookworm.tar" services_base
make_once "$CACHE/kafka-4.3.1" jars
import "$CACHE/python-bookworm.tar" python:3.11-slim-bookworm
import "$CACHE/services-bookworm.tar" earshot-test/services

docker build -q -t "apache/kafka:$(version apache/kafka)" -f - "$CACHE/kafka-4.3.1" > /dev/null <<'E2'
FROM earshot-test/services
COPY . /opt/kafka/libs
RUN mkdir -p /var/lib/kafka/data && chown -R appuser /var/lib/kafka
USER appuser
E2
docker build -q -t "prom/prometheus:$(version prom/prometheus)" - > /dev/null <<'E2'
FROM earshot-test/services
RUN mkdir -p /prometheus && chown nobody:nogroup /prometheus
USER nobody
ENTRYPOINT ["/bin/prometheus"]
E2
docker build -q -t "prom/alertmanager:$(version prom/alertmanager)" - > /dev/null <<'E2'
FROM earshot-test/services
RUN mkdir -p /alertmanager && chown nobody:nogroup /alertmanager
USER nobody
ENTRYPOINT ["/bin/alertmanager"]
E2
