#include "shared_pages.h"

#include <errno.h>
#include <sys/mman.h>

#include "arguments.h"
#include "environment.h"

namespace {

/// An environment that never comes back to its event loop, as the tracing thread's, runs no finalizers: pages are unmapped by
/// unmapShared.
void keep_mapped(napi_env, void*, void*) {}

napi_value map_shared(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  const int32_t fd = args.int32(0);
  const uint64_t offset = args.word(1);
  const uint64_t size = args.word(2);
  if (!args.ok()) return nullptr;
  void* const pages = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (pages == MAP_FAILED) {
    throw_os_error(env, OsError{errno, "mmap"});
    return nullptr;
  }
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_external_arraybuffer(env, pages, size, keep_mapped, nullptr, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, size, buffer, 0, &array) != napi_ok) {
    munmap(pages, size);
    throw_type_error(env, "memory of a task cannot be shown to JavaScript");
    return nullptr;
  }
  return array;
}

napi_value unmap_shared(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  if (!args.ok()) return nullptr;
  void* pages = nullptr;
  size_t size = 0;
  if (napi_get_arraybuffer_info(env, args.at(0), &pages, &size) != napi_ok) {
    throw_type_error(env, "an ArrayBuffer was expected");
    return nullptr;
  }
  // Whoever still has a view of it finds it empty.
  if (size == 0 || napi_detach_arraybuffer(env, args.at(0)) != napi_ok) return nullptr;
  munmap(pages, size);
  return nullptr;
}

void set(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

void export_shared_pages(Napi::Env env, Napi::Object exports) {
  set(env, exports, "mapShared", map_shared);
  set(env, exports, "unmapShared", unmap_shared);
}
