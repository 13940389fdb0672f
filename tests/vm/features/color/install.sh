#!/bin/sh
set -e
mkdir -p /usr/local/share/color
echo "$FAVOURITE" > /usr/local/share/color/favourite
printf '#!/bin/sh\ncat /usr/local/share/color/favourite\n' > /usr/local/bin/color
chmod +x /usr/local/bin/color
