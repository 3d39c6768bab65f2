"""Entry point of the python3.x runtimes: one process, one function, one event at a time."""

import os
import sys


def main():
    from thaw_runtime import channel, logs, loop, specialise, standard

    del sys.path[0]  # this directory; the function's own modules must not meet ours there
    logs.open_streams()
    logs.set_up_logging()
    standard.install()
    data = channel.Channel(3)
    os.register_at_fork(after_in_child=data.close)  # a forked child must not answer in our place
    try:
        preloaded = frozenset()
        if not data.waiting():
            from thaw_runtime import warmup

            preloaded = warmup.preload(data.waiting)
            if not data.waiting():
                warmup.rehearse()
            if not data.waiting():
                data.send(channel.IDLE)  # warm
        handler = specialise.become_function(data, preloaded)
        loop.serve(data, handler)
    except channel.Closed:
        logs.flush()
        os._exit(0)  # at once: the function's threads and exit hooks have nothing left to do
    except channel.ProtocolError as error:
        sys.exit("bootstrap: %s" % error)
    finally:
        data.close()  # before the interpreter ends: up to python3.9 it crashes over a socket that fork hooks hold open


if __name__ == "__main__":
    main()
