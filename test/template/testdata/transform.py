# Prints a SAM template as CloudFormation gets it: transformed by AWS's own translator (aws-sam-translator, which brings PyYAML).
import json
import sys

import yaml
from samtranslator.translator.transform import transform


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    pass


def short(loader, tag, node):
    """Reads a function's short form, such as !Sub."""
    name = tag if tag in ("Ref", "Condition") else "Fn::" + tag
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    value = loader.construct_scalar(node)
    return {name: value.split(".", 1) if tag == "GetAtt" else value}


Loader.add_multi_constructor("!", short)
with open(sys.argv[1]) as file:
    template = yaml.load(file, Loader)
for resource in template["Resources"].values():  # as sam package does
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/key"
    if resource["Type"] == "AWS::Serverless::Application":
        resource["Properties"]["Location"] = "https://bucket.s3.amazonaws.com/key"


class NoPolicies:
    def load(self):
        return {}


parameters = {name: p.get("Default", "") for name, p in template["Parameters"].items()}
print(json.dumps(transform(template, parameters, NoPolicies())))
