#!/bin/sh
# Formats the data folder the first time and starts the broker. The image's own entry point writes its settings into the
# image, which is read-only here.
set -eu
settings=/etc/earshot-kafka/server.properties
java_options="-Dlog4j2.configurationFile=/etc/earshot-kafka/log4j2.properties -Djava.io.tmpdir=/tmp"
if [ ! -e /var/lib/kafka/data/meta.properties ]; then
  # shellcheck disable=SC2086
  id=$(java $java_options -cp '/opt/kafka/libs/*' kafka.tools.StorageTool random-uuid)
  # shellcheck disable=SC2086
  java $java_options -cp '/opt/kafka/libs/*' kafka.tools.StorageTool format --standalone -t "$id" -c $settings
fi
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:--Xms256m -Xmx512m} $java_options -XX:+ExitOnOutOfMemoryError -cp '/opt/kafka/libs/*' kafka.Kafka $settings
