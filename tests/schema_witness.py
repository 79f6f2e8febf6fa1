"""An independent validator (PyPI `jsonschema`) over the schema that editors use.

    schema_witness.py SCHEMA GOOD.toml... -- BROKEN.toml...

Every good file must pass. Every broken file must fail, but for those named sense-*: they say something
that only the checks behind the schema can tell, and must pass it.
"""
import json
import sys
import tomllib

import jsonschema


def errors(validator, path):
    with open(path, "rb") as f:
        return [e.message for e in validator.iter_errors(tomllib.load(f))]


def main():
    schema_path, *files = sys.argv[1:]
    split = files.index("--")
    good, broken = files[:split], files[split + 1 :]
    with open(schema_path, "rb") as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    wrong = []
    for path in good:
        wrong += [f"{path}: {e}" for e in errors(validator, path)]
    for path in broken:
        name = path.rsplit("/", 1)[-1]
        if name.startswith("syntax"):
            continue
        if bool(errors(validator, path)) == name.startswith("sense-"):
            wrong.append(f"{path}: the schema should {'accept' if name.startswith('sense-') else 'reject'} it")
    print(f"schema: {len(good)} good and {len(broken)} broken scenarios, {len(wrong)} faults")
    for line in wrong:
        print("  " + line)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
