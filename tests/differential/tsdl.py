# SPDX-License-Identifier: MIT
"""A random trace's description in TSDL, CTF 1.8's language (section 7 and appendix C of its specification)."""

ORIGINS = {"packet-header": "trace.packet.header", "packet-context": "stream.packet.context",
           "event-record-header": "stream.event.header", "event-record-common-context": "stream.event.context",
           "event-record-specific-context": "event.context", "event-record-payload": "event.fields"}
CLOCK_ROLES = ("default-clock-timestamp", "packet-end-default-clock-timestamp")
CHARACTER = "integer { size = 8; align = 8; signed = %s; encoding = %s; }"


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Writer:
    def __init__(self, trace):
        self.trace = trace
        self.random = trace.random
        self.clock = None

    def maybe(self, *texts):
        """One of them: TSDL says most things in several ways."""
        return self.random.choice(texts)

    def order(self, fc):
        if fc["byte-order"] == self.trace.order:
            return self.maybe("", "", "byte_order = native; ")
        return f"byte_order = {self.maybe('le')}; " if fc["byte-order"] == "little-endian" else (
            f"byte_order = {self.maybe('be', 'network')}; ")

    def integer(self, fc):
        length, alignment = fc["length"], fc.get("alignment", 1)
        # Whole bytes are aligned to bytes if nothing else is said, others to bits.
        default = 8 if length % 8 == 0 else 1
        text = f"integer {{ size = {length}; "
        if alignment != default or self.maybe(True, False):
            text += f"align = {alignment}; "
        if "-signed" in fc["type"]:
            text += f"signed = {self.maybe('true', '1', 'TRUE')}; "
        if "preferred-display-base" in fc:
            base = fc["preferred-display-base"]
            text += f"base = {self.maybe(base, {2: 'binary', 8: 'octal', 10: 'decimal', 16: 'hexadecimal'}[base])}; "
        if any(role in CLOCK_ROLES for role in fc.get("roles", [])):
            text += f"map = clock.{self.clock}.value; "
        return text + self.order(fc) + "}"

    def location(self, location):
        names = ".".join(name for name in location["path"] if name is not None)
        return f"{ORIGINS[location['origin']]}.{names}" if "origin" in location else names

    def ranges(self, label, ranges):
        return ", ".join(f"{quoted(label)} = {low}" + (f" ... {high}" if high != low else "") for low, high in ranges)

    def declaration(self, fc, name):
        """`TYPE NAME`, NAME with what C puts behind it."""
        kind = fc["type"]
        if kind == "structure":
            return f"{self.structure(fc)} {name}"
        if kind == "variant":
            options = " ".join(self.declaration(option["field-class"], option["name"]) + ";" for option in fc["options"])
            return f"variant <{self.location(fc['selector-field-location'])}> {{ {options} }} {name}"
        if "integer" in kind:
            if "mappings" not in fc:
                return f"{self.integer(fc)} {name}"
            labels = ", ".join(self.ranges(label, ranges) for label, ranges in fc["mappings"].items())
            return f"enum : {self.integer(fc)} {{ {labels} }} {name}"
        if kind == "fixed-length-floating-point-number":
            exponent = {32: 8, 64: 11}[fc["length"]]
            return (f"floating_point {{ exp_dig = {exponent}; mant_dig = {fc['length'] - exponent}; "
                    f"align = {fc.get('alignment', 1)}; {self.order(fc)}}} {name}")
        if kind == "null-terminated-string":
            return f"{self.maybe('string', 'string { encoding = UTF8; }', 'string { encoding = ASCII; }')} {name}"
        if kind == "static-length-blob":
            return f"integer {{ size = 8; align = 8; }} {name}[{fc['length']}]"
        if kind in ("static-length-string", "dynamic-length-string"):
            element = CHARACTER % (self.maybe("true", "false"), self.maybe("UTF8", "ASCII")) + f" {name}"
        else:
            element = self.declaration(fc["element-field-class"], name)
        return f"{element}[{fc['length'] if 'length' in fc else self.location(fc['length-field-location'])}]"

    def structure(self, fc):
        members = " ".join(self.declaration(member["field-class"], member["name"]) + ";" for member in fc["member-classes"])
        align = f" align({fc['minimum-alignment']})" if "minimum-alignment" in fc else ""
        return f"struct {{ {members} }}{align}"

    def scope(self, name, fc):
        return f"\t{name} := {self.structure(fc)};\n" if fc else ""

    def text(self):
        trace = self.trace
        order = "le" if trace.order == "little-endian" else "be"
        text = f"/* CTF 1.8 */\ntrace {{\n\tmajor = 1;\n\tminor = 8;\n\tbyte_order = {order};\n"
        if trace.uuid:
            digits = bytes(trace.uuid).hex()
            text += f'\tuuid = "{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}";\n'
        text += self.scope("packet.header", trace.trace_class.get("packet-header-field-class")) + "};\n"
        environment = trace.trace_class["environment"]
        text += "env {\n" + "".join(f"\t{name} = {quoted(value) if isinstance(value, str) else value};\n"
                                    for name, value in environment.items()) + "};\n"
        for clock in trace.clock_classes:
            offset = clock["offset-from-origin"]
            text += (f"clock {{\n\tname = {clock['name']};\n\tfreq = {clock['frequency']};\n"
                     f"\toffset_s = {offset['seconds']};\n\toffset = {offset['cycles']};\n}};\n")
        for dsc in trace.classes:
            self.clock = dsc.get("default-clock-class-id")
            text += "stream {\n" + (f"\tid = {dsc['id']};\n" if trace.has_ids else "")
            for scope, name in (("packet.context", "packet-context"), ("event.header", "event-record-header"),
                                ("event.context", "event-record-common-context")):
                text += self.scope(scope, dsc.get(name + "-field-class"))
            text += "};\n"
        for event in trace.event_classes:
            text += (f"event {{\n\tname = {quoted(event['name'])};\n\tid = {event['id']};\n"
                     + (f"\tstream_id = {event['data-stream-class-id']};\n" if trace.has_ids else "")
                     + self.scope("context", event.get("specific-context-field-class"))
                     + self.scope("fields", event["payload-field-class"]) + "};\n")
        return text


def write(trace):
    """The metadata file."""
    return Writer(trace).text().encode()
