#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "content_hash.h"
#include "errors.h"
#include "memory.h"
#include "page_ranges.h"

/// Hash of all that a stopped task's address space holds: the non-zero pages, each with its address. Left out: what
/// lies in `excluded`, unmodified pages of private file mappings, read-only shared mappings, devices and the kernel's
/// own pages ([vdso], [vvar]). The same content hashes equal however it is split into mappings, whatever their
/// protection.
/// What lies below `stack_pointer` (0: none) in its mapping is dead and counts as zeros: dynamic linkers leave vector
/// state there whose form depends on how often the task was interrupted. `left_out`: addresses of single pages, in
/// ascending order, that don't count.
Result<ContentHash> hash_memory(TaskMemory& memory, pid_t tid, PageRange excluded, PageScan scan,
                                RemotePtr stack_pointer, const std::vector<uint64_t>& left_out);

/// Sum of the words of each page from `addr` on, as many as `sums` has room for. Of each row of 16 bytes both words count as
/// often as rows are left on the page, the first one once more: SSE can compute that. EFAULT if not all can be read.
Status sum_pages(const TaskMemory& memory, pid_t tid, RemotePtr addr, std::span<uint64_t> sums);

/// Hash of `length` bytes, wherever they are. EFAULT if not all can be read.
Result<ContentHash> hash_range(const TaskMemory& memory, pid_t tid, RemotePtr addr, uint64_t length);
