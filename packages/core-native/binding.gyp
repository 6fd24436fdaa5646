{
  'targets': [
    {
      'target_name': 'core_native',
      'sources': ['<!@(ls src/*.cc)'],
      'include_dirs': ['src', '<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
      'cflags!': ['-O3'],
      'cflags': ['-O2', '-Wall', '-Wextra'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': ['-std=c++20'],
    },
  ],
}
