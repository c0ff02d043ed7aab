"""The facts of a capture: what was set up, and the decisive frames as tshark numbers them."""

import collections
import json
import subprocess


def write(case, folder, made):
    """Write `expect.toml`; `made` holds the phones' own logs."""
    _write(case, case.devices, folder / "expect.toml", made)
    if case.opened:
        _write(case, case.opened, folder / "expect-with-keys.toml", made, folder / "keys.log")


def _write(case, devices, file, made, keys=None):
    capture = file.parent / f"capture.{case.file_format}"
    blocks = [f"story = {_quote(case.story)}"]
    for device in devices:
        attempts = _attempts(made / f"{device.host}.log") if device.drop else []
        blocks.append(_device(device, capture, attempts, keys))
    file.write_text("\n\n".join(blocks) + "\n")


def derived(story, notes, facts):
    """The text of `expect.toml` from facts at hand; those that are None are left out."""
    lines = [f"story = {_quote(story)}", *([f"notes = {json.dumps(notes)}"] if notes else []), "", *_told(facts)]
    return "\n".join(lines) + "\n"


def several(story, devices):
    """The same of several devices."""
    return "\n\n".join([f"story = {_quote(story)}", *("\n".join(_told(facts)) for facts in devices)]) + "\n"


def _told(facts):
    lines = ["[[device]]"]
    for key in ("mac", "ip", "profile", "verdict", "attempts", "drop", "drop_frames", "restarts_at", "primary", "contributing",
                "absent"):
        value = facts.get(key)
        if key == "drop_frames" and value:
            lines.append(f"# tshark -Y '{facts['filter']}', {facts['pick']}")
        if isinstance(value, dict):
            lines.append(f"{key} = {{ {', '.join(f'{name} = {_quote(word)}' for name, word in value.items())} }}")
        elif value is not None:
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return lines


def endings(case, made):
    """How the phones say that their attempts ended, for whoever runs the lab."""
    events = [event for device in case.devices for event in _events(made / f"{device.host}.log")]
    counted = collections.Counter(event.get("reason", event["event"]) for event in events
                                  if event["event"] != "attempt")
    return ", ".join(f"{number} x {ending}" for ending, number in counted.items())


def frames(capture, display_filter, keys=None):
    """(number, time) of the frames that a display filter selects, with a key log or without."""
    opened = ["-o", f"tls.keylog_file:{keys}"] if keys else []
    listed = subprocess.run(["tshark", "-r", str(capture), *opened, "-Y", display_filter, "-T", "fields",
                             "-e", "frame.number", "-e", "frame.time_epoch"],
                            check=True, capture_output=True, text=True).stdout
    return [(int(number), float(time)) for number, time in map(str.split, listed.splitlines())]


def _device(device, capture, attempts, keys=None):
    shown = device.settings.mac if device.shown_as == "mac" else device.address
    lines = ["[[device]]", f"{device.shown_as} = {_quote(shown)}", f"profile = {_quote(device.profile)}",
             f"verdict = {_quote(device.verdict)}", f"attempts = {len(attempts)}"]
    if device.drop:
        display_filter = device.decisive.format(mac=device.settings.mac, ip=device.address)
        numbers = _decisive(frames(capture, display_filter, keys), attempts, device.pick)
        opened = " -o tls.keylog_file:keys.log" if keys else ""
        lines += [f"drop = {_drops(device.drop)}", f"# tshark{opened} -Y '{display_filter}', the {device.pick} of each attempt",
                  f"drop_frames = {numbers}"]
    if device.restarts_at:
        lines.append(f"restarts_at = {_quote(device.restarts_at)}")
    if device.primary:
        lines.append(f"primary = {_quote(device.primary)}")
    lines += [f"contributing = {json.dumps(device.contributing)}", f"absent = {json.dumps(device.absent)}"]
    if device.names:
        rows = (f"{{ name = {_quote(name)}, covered = {json.dumps(covered)}, asked = {json.dumps(asked)} }}"
                for name, covered, asked in device.names)
        lines.append(f"names = [{', '.join(rows)}]")
    if device.says:
        lines.append(f"says = {json.dumps(device.says, ensure_ascii=False)}")
    return "\n".join(lines)


def _drops(drops):
    """One for all attempts, or a list of one for each."""
    tables = ["{ " + ", ".join(f"{key} = {_quote(value)}" for key, value in drop.items()) + " }" for drop in drops]
    return tables[0] if len(tables) == 1 else f"[{', '.join(tables)}]"


def _attempts(log):
    """Start and end of each attempt that ended in a drop, by the phone's own account."""
    events = _events(log)
    return [(start["time"], end["time"]) for start, end in zip(events, events[1:])
            if start["event"] == "attempt" and end["event"] == "drop"]


def _events(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


def _decisive(found, attempts, pick):
    """One frame per attempt. A frame may be seen a little before the phone has logged it, or after."""
    numbers = []
    for start, end in attempts:
        within = [number for number, time in found if start <= time <= end + 1]
        if not within:
            raise SystemExit(f"no decisive frame between {start} and {end}")
        numbers.append(within[0 if pick == "first" else -1])
    return numbers


def _quote(text):
    return json.dumps(text, ensure_ascii=False)
