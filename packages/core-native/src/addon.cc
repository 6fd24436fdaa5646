#include <napi.h>

#include "counter_exports.h"
#include "environment.h"
#include "shared_pages.h"
#include "system_exports.h"
#include "tracer_object.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment);
  exports.Set("Tracer", TracerObject::define(env));
  export_system(env, exports);
  export_shared_pages(env, exports);
  export_counters(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(core_native, init)
