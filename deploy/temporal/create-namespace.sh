#!/bin/sh
# Creates Longhaul's namespace unless it exists. Longhaul itself adds its search attributes.
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE come from the environment.
set -eu

if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE"; then
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d
fi
