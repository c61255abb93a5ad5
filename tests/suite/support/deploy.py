"""What the tests of deploy/ need from Python: Helm's own library, and a YAML reader. Prints JSON.

deploy.py yaml FILE...                          every document of every file
deploy.py render CHART NAME NAMESPACE VALUES    the chart's objects by template, as texts; or the error
deploy.py lint CHART                            what helm lint has to say
"""

import json
import sys


def documents(path):
    import yaml

    # Kubernetes and Prometheus read YAML 1.1 as PyYAML does.
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document is not None]


def render(chart, name, namespace, values):
    import helm_python

    try:
        with helm_python.Chart.load(chart) as loaded:
            return {"objects": loaded.render(json.loads(values), name=name, namespace=namespace)}
    except helm_python.HelmError as error:
        return {"error": str(error)}


def lint(chart):
    import helm_python

    return helm_python.lint(chart)


command, *arguments = sys.argv[1:]
if command == "yaml":
    answer = {path: documents(path) for path in arguments}
else:
    answer = {"render": render, "lint": lint}[command](*arguments)
json.dump(answer, sys.stdout, default=str)
