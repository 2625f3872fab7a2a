{
  "target_defaults": {
    "variables": { "isa_flags%": [] },
    "cflags": [
      "-O2", "-fno-tree-vectorize", "-fno-ipa-cp", "-fno-align-jumps", "-fno-align-labels",
      "-ffp-contract=off", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections",
      "-fno-asynchronous-unwind-tables", "-fPIC", "-pthread", "-Wall", "-Wextra", "-Wno-unused-parameter",
      ">@(isa_flags)"
    ],
    "cflags!": ["-O3", "-fno-omit-frame-pointer"],
    "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fno-rtti"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
      "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
      "GCC_OPTIMIZATION_LEVEL": "3",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
      "MACOSX_DEPLOYMENT_TARGET": "11.0",
      "OTHER_CPLUSPLUSFLAGS": ["-ffp-contract=off", ">@(isa_flags)"]
    },
    "msbuild_toolset": "ClangCL",
    "msvs_settings": {
      "VCCLCompilerTool": {
        "ExceptionHandling": 0,
        "AdditionalOptions": [
          "/std:c++17", "/clang:-O3", "/clang:-ffp-contract=off", ">@(isa_flags)"
        ]
      }
    }
  },
  "targets": [
    {
      "target_name": "evengrad",
      "cflags_cc": ["-Os"],
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('native').filter(f => f.endsWith('.cc')).map(f => 'native/' + f).join(' ')\")"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_ENABLE_MAYBE",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "conditions": [
        ["target_arch=='x64'", { "dependencies": ["avx512", "avx2", "sse"] }],
        ["target_arch=='arm64'", { "dependencies": ["neon"] }],
        ["OS=='linux'", {
          "ldflags": [
            "-static-libstdc++", "-static-libgcc", "-pthread", "-Wl,--gc-sections", "-Wl,--exclude-libs,ALL",
            "-Wl,-Bsymbolic", "-Wl,-s", "-Wl,-z,noseparate-code"
          ]
        }]
      ]
    }
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "avx512",
          "type": "static_library",
          "sources": ["native/isa/avx512.cc"],
          "variables": { "isa_flags": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"] }
        },
        {
          "target_name": "avx2",
          "type": "static_library",
          "sources": ["native/isa/avx2.cc"],
          "variables": { "isa_flags": ["-mavx2", "-mfma"] }
        },
        {
          "target_name": "sse",
          "type": "static_library",
          "sources": ["native/isa/sse.cc"]
        }
      ]
    }],
    ["target_arch=='arm64'", {
      "targets": [
        {
          "target_name": "neon",
          "type": "static_library",
          "sources": ["native/isa/neon.cc"]
        }
      ]
    }]
  ]
}
