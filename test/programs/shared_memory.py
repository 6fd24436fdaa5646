"""multiprocessing: shared memory, queues, pools, locks, managers; by fork and by spawn."""

import multiprocessing
from multiprocessing import shared_memory


def mark(name, index, results):
    memory = shared_memory.SharedMemory(name)
    memory.buf[index] = 65 + index
    memory.close()
    results.put(index)


def count(value, lock, times):
    for _ in range(times):
        with lock:
            value.value += 1


def square(number):
    return number * number


def main():
    results = multiprocessing.Queue()
    memory = shared_memory.SharedMemory(create=True, size=4096)
    processes = [multiprocessing.Process(target=mark, args=(memory.name, i, results)) for i in range(4)]
    for process in processes:
        process.start()
    print([results.get() for _ in processes])
    for process in processes:
        process.join()
    print(bytes(memory.buf[:4]))
    memory.close()
    memory.unlink()

    value, lock = multiprocessing.Value("i", 0), multiprocessing.Lock()
    processes = [multiprocessing.Process(target=count, args=(value, lock, 200)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(value.value)

    with multiprocessing.Pool(2) as pool:
        print(pool.map(square, range(10)))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(square, range(10)))
    with multiprocessing.Manager() as manager:
        shared = manager.dict(one=1)
        shared["two"] = 2
        print(dict(shared))


if __name__ == "__main__":
    main()
