# Calls Cloud Custodian's Lambda handler, as Lambda's Python runtime does, once for each line on standard input, which is an event. The
# first line on standard output says that the handler is imported, each other one how a run ended. config.json is in the working folder.
import json
import os
import sys
import time
import traceback

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def answer(**fields):
    answers.write(json.dumps(fields) + "\n")
    answers.flush()


began = time.perf_counter()
from c7n import handler  # noqa: E402

imported = time.perf_counter() - began

import boto3  # noqa: E402
from c7n.version import version  # noqa: E402


class Context:
    function_name = "custodian"
    memory_limit_in_mb = 512
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis():
        return 60000


answer(
    version="Cloud Custodian %s, boto3 %s, Python %s" % (version, boto3.__version__, sys.version.split()[0]),
    imported=imported,
)
for line in sys.stdin:
    error = ""
    began = time.perf_counter()
    try:
        handler.dispatch_event(json.loads(line), Context())
    except Exception:
        error = traceback.format_exc()
    answer(seconds=time.perf_counter() - began, error=error)
