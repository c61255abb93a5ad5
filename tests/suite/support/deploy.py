"""What the tests of deploy/ need from Python: Helm's own library, and a YAML reader that takes no key twice. Prints JSON.

deploy.py yaml FILE...          every document of every file
deploy.py render CHART          what Helm makes of each of the releases that standard input lists: {name, namespace, values}
deploy.py lint CHART            what helm lint has to say
deploy.py values CHART          every value that may be set: its path, its default as JSON, and the comment above it
"""

import json
import sys

import yaml


# Kubernetes and Prometheus read YAML 1.1 as PyYAML does.
class Reader(yaml.CSafeLoader):
    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"twice: {', '.join(twice)}", node.start_mark)
        return super().construct_mapping(node, deep)


def documents(text):
    return [document for document in yaml.load_all(text, Reader) if document is not None]


def read(*paths):
    def file(path):
        with open(path, encoding="utf-8") as file:
            return documents(file)

    return {path: file(path) for path in paths}


def render(chart):
    import helm_python

    def release(asked):
        try:
            templates = loaded.render(asked["values"], name=asked["name"], namespace=asked["namespace"])
        except helm_python.HelmError as error:
            return {"error": str(error)}
        texts = {path: text.strip() for path, text in templates.items() if path.endswith(".yaml") and text.strip()}
        return {"templates": texts, "objects": [it for text in texts.values() for it in documents(text)]}

    with helm_python.Chart.load(chart) as loaded:
        return [release(asked) for asked in json.load(sys.stdin)]


def lint(chart):
    import helm_python

    return helm_python.lint(chart)


def values(chart):
    """A mapping with a comment of its own is one value."""
    with open(f"{chart}/values.yaml", encoding="utf-8") as file:
        text = file.read()
    lines = text.split("\n")
    found = []

    def comment(line):
        above = []
        while line and lines[line - 1].lstrip().startswith("#"):
            line -= 1
            above.insert(0, lines[line].strip().lstrip("#").strip())
        return " ".join(above)

    def walk(node, defaults, path):
        for key, value in node.value:
            name, said, default = f"{path}{key.value}", comment(key.start_mark.line), defaults[key.value]
            if isinstance(default, dict) and default and not said:
                walk(value, default, f"{name}.")
            else:
                found.append({"name": name, "default": json.dumps(default), "text": said})

    walk(yaml.compose(text), yaml.load(text, Reader), "")
    return found


command, *arguments = sys.argv[1:]
answer = {"yaml": read, "render": render, "lint": lint, "values": values}[command](*arguments)
json.dump(answer, sys.stdout, default=str)
