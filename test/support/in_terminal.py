"""Runs a program in a terminal of its own: in_terminal.py COLUMNS ROWS PROGRAM [ARGUMENT...].

What the program writes comes out of stdout, what comes in through stdin is typed. Lines of fd 3 are
obeyed: "size COLUMNS ROWS" makes the terminal another size, "signal NUMBER" goes to the program.
Ends with the exit code of the program, or with 99 when that has left the terminal unlike it was.
The program gets SIGHUP when this process is ended.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios


def resize(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def obey(line):
    words = line.split()
    if words[0] == "size":
        resize(master, int(words[1]), int(words[2]))
    elif words[0] == "signal":
        os.kill(child, int(words[1]))


child, master = pty.fork()
if child == 0:
    os.close(3)
    resize(0, int(sys.argv[1]), int(sys.argv[2]))
    os.execvp(sys.argv[3], sys.argv[3:])

before = termios.tcgetattr(master)[:4]
orders = os.fdopen(3, "rb", buffering=0)
sources = [master, 0, orders]
while True:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed:
            os.write(master, typed)
        else:
            sources.remove(0)
    if orders in ready:
        order = orders.readline()
        if order:
            obey(order.decode())
        else:
            sources.remove(orders)
    if master in ready:
        try:
            written = os.read(master, 65536)
        except OSError:  # Nobody has the terminal open any more.
            break
        if not written:
            break
        os.write(1, written)

after = termios.tcgetattr(master)[:4]
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF if after == before else 99)
