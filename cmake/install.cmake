# SPDX-License-Identifier: MIT
# What `cmake --install` puts where; programs install themselves. Two components: `development` (headers, pkg-config, CMake package and the
# library's link name) and `runtime`.
include(CMakePackageConfigHelpers)

install(TARGETS sillage_probe EXPORT sillage-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(library sillage_trace sillage_control_library)
  if(TARGET ${library})
    install(TARGETS ${library} EXPORT sillage-targets
      LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
      INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  endif()
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/sillage DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)

# Exported as sillage::sillage: the name on the link line is the library's, not the module's.
set_target_properties(sillage_probe PROPERTIES EXPORT_NAME sillage)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sillage)
install(EXPORT sillage-targets NAMESPACE sillage:: DESTINATION ${package_dir} COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/sillage-config.cmake.in
  ${PROJECT_BINARY_DIR}/sillage-config.cmake INSTALL_DESTINATION ${package_dir})
# Until 1.0 a minor version may break the command line, never the binary interface: that is the SOVERSION.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/sillage-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sillage-config.cmake ${PROJECT_BINARY_DIR}/sillage-config-version.cmake
  DESTINATION ${package_dir} COMPONENT development)

file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" prefix_from_pc ${prefix_from_pc})
set(packages sillage)
if(TARGET sillage_trace)
  list(APPEND packages sillage-trace)
endif()
if(TARGET sillage_control_library)
  list(APPEND packages sillage-control)
endif()
foreach(package ${packages})
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${package}.pc.in ${PROJECT_BINARY_DIR}/${package}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endforeach()
