"""Reads answers of one exporter in several formats and codings, and says where they differ.

    compare_formats.py NAME.FORMAT.CODING...

FORMAT is text, openmetrics or protobuf; CODING is identity, gzip or zstd. Each file is read by
somebody else's reader, so that no mistake can be made twice. Prints how many samples each holds, or
every difference, and then ends with status 1.
"""

import gzip
import itertools
import sys
import zlib
from pathlib import Path

import zstandard
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.decoder import _DecodeVarint32 as decode_varint
from google.protobuf.unknown_fields import UnknownFieldSet
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

# What the kernel says of the process changes from one scrape to the next.
VOLATILE = {
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
}

# io.prometheus.client, as much of it as an exporter without native histograms and exemplars may use:
# its fields by number. An upper-case type is a scalar, any other a message of ours; [] is repeated.
SCHEMA = {
    "LabelPair": {1: "STRING name", 2: "STRING value"},
    "Gauge": {1: "DOUBLE value"},
    "Counter": {1: "DOUBLE value"},
    "Bucket": {1: "UINT64 cumulative_count", 2: "DOUBLE upper_bound"},
    "Histogram": {1: "UINT64 sample_count", 2: "DOUBLE sample_sum", 3: "Bucket[] bucket"},
    "Metric": {1: "LabelPair[] label", 2: "Gauge gauge", 3: "Counter counter", 7: "Histogram histogram"},
    "MetricFamily": {1: "STRING name", 2: "STRING help", 3: "INT32 type", 4: "Metric[] metric", 5: "STRING unit"},
}
TYPES = {0: "counter", 1: "gauge", 4: "histogram"}


def metric_family_class():
    package = "io.prometheus.client"
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package=package, syntax="proto2")
    for message, fields in SCHEMA.items():
        described = file.message_type.add(name=message)
        for number, (kind, name) in ((number, text.split()) for number, text in fields.items()):
            field = described.field.add(name=name, number=number)
            field.label = field.LABEL_REPEATED if kind.endswith("[]") else field.LABEL_OPTIONAL
            kind = kind.removesuffix("[]")
            if kind.isupper():
                field.type = getattr(field, f"TYPE_{kind}")
            else:
                field.type, field.type_name = field.TYPE_MESSAGE, f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.MetricFamily"))


def decoded(content, coding):
    if coding == "gzip":
        member = zlib.decompressobj(wbits=31)
        first = member.decompress(content)
        assert member.eof and not member.unused_data, "more than one gzip member, or less"
        assert gzip.decompress(content) == first
        return first
    if coding == "zstd":
        frame = zstandard.ZstdDecompressor().decompressobj()
        first = frame.decompress(content)
        assert frame.eof and not frame.unused_data, "more than one zstd frame, or less"
        return first
    assert coding == "identity", coding
    return content


def families_of_text(read, content):
    """(name, type, help, unit, samples) of each family; a sample is (name, labels, value)."""
    for family in read(content.decode()):
        for sample in family.samples:
            assert sample.timestamp is None and sample.exemplar is None, sample
        samples = [(sample.name, sample.labels, sample.value) for sample in family.samples]
        yield family.name, family.type, family.documentation, family.unit, samples


def families_of_protobuf(content):
    MetricFamily = metric_family_class()
    position = 0
    while position < len(content):
        length, position = decode_varint(content, position)
        family = MetricFamily.FromString(content[position : position + length])
        position += length
        assert not len(UnknownFieldSet(family)), family.name
        samples = [sample for metric in family.metric for sample in samples_of(family, metric)]
        yield family.name.removesuffix("_total"), TYPES[family.type], family.help, family.unit, samples
    assert position == len(content), "the last message is cut off"


def samples_of(family, metric):
    assert not len(UnknownFieldSet(metric)), family.name
    kind = TYPES[family.type]
    assert [field.name for field, _ in metric.ListFields() if field.name != "label"] == [kind], metric
    labels = {pair.name: pair.value for pair in metric.label}
    assert len(labels) == len(metric.label), labels
    if kind != "histogram":
        yield family.name, labels, getattr(metric, kind).value
        return
    histogram = metric.histogram
    for bucket in histogram.bucket:
        yield f"{family.name}_bucket", {**labels, "le": bucket.upper_bound}, bucket.cumulative_count
    # A reader adds the last bucket by itself, as Prometheus does.
    yield f"{family.name}_bucket", {**labels, "le": "+Inf"}, histogram.sample_count
    yield f"{family.name}_sum", labels, histogram.sample_sum
    yield f"{family.name}_count", labels, histogram.sample_count


def normal(name, labels, value):
    labels = {key: float(text) if key == "le" else text for key, text in labels.items()}
    return (name, frozenset(labels.items())), "any" if name in VOLATILE else float(value)


def read(path):
    """Everything that a file says: a mapping of what to what value."""
    _, format, coding = path.name.split(".")
    content = decoded(path.read_bytes(), coding)
    families = list(
        {
            "text": lambda: families_of_text(read_text, content),
            "openmetrics": lambda: families_of_text(read_openmetrics, content),
            "protobuf": lambda: families_of_protobuf(content),
        }[format]()
    )
    said = {}
    for name, kind, help, unit, samples in families:
        assert (name, "type") not in said, f"{name} comes twice"
        assert samples, f"{name} has no samples"
        said[name, "type"], said[name, "help"] = kind, help
        # The text format cannot say it.
        if format != "text":
            said[name, "unit"] = unit
        for sample, value in (normal(*sample) for sample in samples):
            assert sample not in said, f"{sample} comes twice"
            said[sample] = value
    return said, sum(len(samples) for *_, samples in families)


def differences(one, other):
    for what in one.keys() | other.keys():
        if what[1] == "unit" and (what not in one or what not in other):
            continue
        if one.get(what) != other.get(what):
            yield f"{what}: {one.get(what)!r} is not {other.get(what)!r}"


def main(paths):
    answers = [(path.name, *read(path)) for path in paths]
    status = 0
    # Each beside all others: what one format cannot say, two others can.
    for (name, said, _), (other_name, other_said, _) in itertools.combinations(answers, 2):
        for difference in differences(said, other_said):
            print(f"{name} beside {other_name}: {difference}")
            status = 1
    print(answers[0][2])
    return status


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
