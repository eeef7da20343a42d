# Runs a command in a pseudo-terminal, and writes what became of it as JSON:
#   terminal.py '{"argv": [...], "env": {...}, "steps": [{"await": "text", "send": "text"}], "timeout": 60}'
# A step waits until its text has been written, and then types; "\x03" is Ctrl-C.
import fcntl, json, os, pty, select, signal, struct, sys, termios, time

order = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    # Python ignores SIGPIPE, and what it starts would, too.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.environ.update(order.get("env", {}))
    os.chdir(order.get("cwd", "."))
    os.execvp(order["argv"][0], order["argv"])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, order.get("columns", 100), 0, 0))
written = b""
seen = 0
steps = list(order.get("steps", []))
deadline = time.monotonic() + order.get("timeout", 60)
while True:
    if time.monotonic() > deadline:
        os.kill(child, signal.SIGKILL)
        break
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if ready:
        try:
            read = os.read(terminal, 65536)
        except OSError:
            break
        if not read:
            break
        written += read
    while steps and steps[0]["await"].encode() in written[seen:]:
        step = steps.pop(0)
        seen = written.index(step["await"].encode(), seen) + len(step["await"].encode())
        # What asks may change the terminal's mode after it has asked.
        time.sleep(0.2)
        os.write(terminal, step["send"].encode())
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
json.dump({"code": code, "screen": written.decode("utf-8", "replace"), "left": len(steps)}, sys.stdout)
