"""Runs a program in a terminal of its own: in_terminal.py COLUMNS ROWS PROGRAM [ARGUMENT...].

What the program writes comes out of stdout, what comes in through stdin is typed. Ends with the
exit code of the program, which gets SIGHUP when this process is ended.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios

columns, rows = int(sys.argv[1]), int(sys.argv[2])
child, master = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.execvp(sys.argv[3], sys.argv[3:])

sources = [master, 0]
while True:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed:
            os.write(master, typed)
        else:
            sources.remove(0)
    if master in ready:
        try:
            written = os.read(master, 65536)
        except OSError:  # Nobody has the terminal open any more.
            break
        if not written:
            break
        os.write(1, written)

_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
