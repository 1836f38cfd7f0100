"""The portal: web pages for the people of a county, rendered on the server, closed by default.

people      accounts and passwords            sessions    login, lockout, sessions
audit       what people did                   access      who may open which page
visit       one request by one person         render      templates, two languages
guard       headers, origin of posts          app         all pages as one application
charts      drawings as inline SVG            serve       everything `coop-hub serve` starts
pages/      one module a group of pages       templates/, static/
"""
