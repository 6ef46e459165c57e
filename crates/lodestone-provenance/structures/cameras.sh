#!/bin/sh
# Writes cameras.ndjson from the camera pictures of two corpora with free licences: digests, counts, makes and models only.
#     sh cameras.sh CORPUS > cameras.ndjson          CORPUS: a labelled folder with manifest.csv
# A game console's pictures stand among them and are left out.
cargo run -q -p lodestone-provenance --no-default-features --example structures -- "$1" \
    --learn drewnoakes/digicam_corpus,ianare/exif-samples --name "camera pictures" --date 2026-11-22 |
    grep -v '"who":"Polyphony' |
    sed -e 's|"sources":{"own":"[^"]*"}|"licence":"CC0-1.0 (facts)","sources":{"corpora":"drewnoakes/digicam_corpus (CC0-1.0), ianare/exif-samples (CC BY-SA 4.0): digests, counts, makes and models; no pictures"}|' \
        -e 's|"sources":\["own"\]|"sources":["corpora"]|'
