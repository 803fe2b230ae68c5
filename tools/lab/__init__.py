"""The virtual lab: Debian machines under QEMU, one inventory's worth of them, and an API for tests that need a machine.

settings    what a lab consists of, read from the inventory
image       the Debian image that all machines share
seed, keys  what makes one machine differ from another
command     the command line of QEMU
machine     one machine: start, wait, run, reboot, stop, kill
laboratory  all machines of an inventory: up, down, status
"""
