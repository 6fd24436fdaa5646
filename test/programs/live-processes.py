"""Pools, queues, locks, shared values and pipes of multiprocessing. Prints the same each time."""

import multiprocessing


def square(number):
    return number * number


def put(numbers, count):
    for number in range(count):
        numbers.put(number)
    numbers.put(None)


def add(value, lock):
    for _ in range(50):
        with lock:
            value.value += 1


def double(pipe):
    pipe.send(pipe.recv() * 2)


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(square, range(200))), flush=True)
    numbers = multiprocessing.Queue()
    process = multiprocessing.Process(target=put, args=(numbers, 100))
    process.start()
    print(sum(iter(numbers.get, None)), flush=True)
    process.join()
    print(process.exitcode, flush=True)
    value, lock = multiprocessing.Value("i", 0), multiprocessing.Lock()
    processes = [multiprocessing.Process(target=add, args=(value, lock)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(value.value, flush=True)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=double, args=(theirs,))
    process.start()
    ours.send(21)
    print(ours.recv())
    process.join()
