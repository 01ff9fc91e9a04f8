#!/bin/sh
# What a script sees of the machine of its agent: programs, and nothing of anybody.
echo "Hello from $(uname -s), as user $(id -u), with $# arguments"
echo "folders    $(ls / | tr '\n' ' ')"
echo "processes  $(ls -d /proc/[0-9]* | wc -l)"
echo "network    $(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d '\n ')"
